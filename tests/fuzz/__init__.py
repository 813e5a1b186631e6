"""Bad input and floods: whatever comes, one clear error, and nobody else notices."""
