"""examples/helper-in-perl: what its README tells."""

from __future__ import annotations

from .running import EXAMPLES, Tenure, others

CHARM = EXAMPLES / "helper-in-perl"


def test_a_dispatch_in_perl_calls_the_same_tools(tenure: Tenure) -> None:
    """H6, H9, T1, T5: one program without any library is the whole charm"""
    tenure.up(CHARM, "--units", "2")
    application = tenure.until(
        lambda now: (
            len(now["units"]) == 2
            and all(unit["status"]["current"] == "active" for unit in now["units"].values())
        )
    )
    leader, (other,) = application["leader"], others(application)
    port = tenure.run("exec", leader, "--", "leader-get", "port").strip()
    assert 20_000 <= int(port) < 30_000
    assert (tenure.charm_of(leader) / "app.conf").read_text() == f"port={port}\nrole=leader\n"
    assert (tenure.charm_of(other) / "app.conf").read_text() == f"port={port}\nrole=follower\n"

    tenure.run("elect", other)
    tenure.until(
        lambda now: (
            now["units"][other]["status"]["message"] == f"leader on port {port}"
            and now["units"][leader]["status"]["message"] == f"follower on port {port}"
        )
    )
