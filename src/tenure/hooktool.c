/* The client behind every hook tool that a charm calls; a link with the tool's name leads here.
 *
 * It knows no tool. It sends what it was called with to the agent and does what the agent says. A
 * charm's hook makes 5 to 20 calls, so its start is all that counts. hooktool.py is the same for
 * machines without a compiler; tests hold both to the same bytes.
 *
 * Out: version (1 byte), size of the rest, then texts, each a size and its bytes: context id, folder,
 *      tool, arguments. Sizes are 4 bytes, highest first.
 * In:  frames of a kind (1 byte), a size, and as many bytes:
 *      O, E  print on stdout, on stderr
 *      W     write a file: a text (the path), then the content to the end of the frame
 *      I     send stdin: chunks of a size and its bytes, and an empty one at its end
 *      F     send a file, its path the frame's body, in the same way
 *      X     end with this exit code (1 byte)
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char chunk[65536];

static int again(int fd, short events) {
    struct pollfd one = {.fd = fd, .events = events};
    return errno == EINTR || (errno == EAGAIN && poll(&one, 1, -1) >= 0);
}

/* Read (POLLIN) or write (POLLOUT) all of it; -1 if it ends before. */
static int move(int fd, short events, char *at, size_t left) {
    while (left > 0) {
        ssize_t n = events == POLLOUT ? write(fd, at, left) : read(fd, at, left);
        if (n > 0) at += n, left -= n;
        else if (n == 0 || !again(fd, events)) return -1;
    }
    return 0;
}

static char *put_size(char *at, uint32_t size) {
    for (int i = 0; i < 4; i++) *at++ = (char)(size >> (24 - 8 * i));
    return at;
}

static uint32_t get_size(const char *at) {
    uint32_t size = 0;
    for (int i = 0; i < 4; i++) size = size << 8 | (unsigned char)at[i];
    return size;
}

static void fail(int code, const char *what, const char *which, const char *then) {
    const char *words = code ? strerror(code) : "";
    char first[2] = {(char)tolower((unsigned char)*words)};
    setvbuf(stderr, chunk, _IOFBF, sizeof chunk); /* one write, as long as it is short */
    fprintf(stderr, "ERROR %s", what);
    /* because a path may hold a line feed, and an error is one line */
    for (; *which; which++) *which == '\n' ? fputs("\\n", stderr) : putc(*which, stderr);
    fprintf(stderr, "%s%s%s\n", then, first, *words ? words + 1 : "");
    exit(1);
}

static char *need(const char *name) {
    char *value = getenv(name);
    if (value == NULL || *value == '\0') fail(0, name, "", " not set");
    return value;
}

static int dial(const char *path) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;
    /* because a socket that took the place of a closed stdout would get the output */
    do fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    while (fd >= 0 && fd < 3);
    if (fd < 0) fail(errno, "dial unix ", path, ": socket: ");
    if (strlen(path) >= sizeof to.sun_path) fail(ENAMETOOLONG, "dial unix ", path, ": connect: ");
    strcpy(to.sun_path, path);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail(errno, "dial unix ", path, ": connect: ");
    return fd;
}

static int ask(int fd, char **texts, int count) {
    size_t size = 0;
    for (int i = 0; i < count; i++) size += 4 + strlen(texts[i]);
    char *request = malloc(6 + size), *at = request; /* one more for the last text's end */
    if (request == NULL) return -1;
    *at++ = 1;
    at = put_size(at, size);
    for (int i = 0; i < count; i++) at = stpcpy(put_size(at, strlen(texts[i])), texts[i]);
    return move(fd, POLLOUT, request, at - request);
}

/* Send what there is to read; a fault ends stdin, which has no path, and a file's is told. */
static void send_input(int fd, int from, const char *path) {
    ssize_t n;
    do {
        while ((n = read(from, chunk + 4, sizeof chunk - 4)) < 0 && again(from, POLLIN)) continue;
        if (n < 0 && path != NULL) fail(errno, "read ", path, ": ");
        if (n < 0) n = 0;
        put_size(chunk, n);
        /* because the agent that stops listening says why in the frames that follow */
    } while (move(fd, POLLOUT, chunk, 4 + n) == 0 && n > 0);
}

static void send_file(int fd, char *path, size_t size) {
    path[size] = '\0';
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) fail(errno, "open ", path, ": ");
    send_input(fd, from, path);
    close(from);
}

static void write_file(char *body, size_t size) {
    size_t length = get_size(body);
    char *path = memmove(body, body + 4, length);
    path[length] = '\0';
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) fail(errno, "open ", path, ": ");
    if (move(fd, POLLOUT, body + 4 + length, size - 4 - length) < 0 || close(fd) < 0)
        fail(errno, "write ", path, ": ");
}

int main(int argc, char **argv) {
    if (argc < 1) return 1;
    char head[5], *id = need("JUJU_CONTEXT_ID"), *path = need("JUJU_AGENT_SOCKET_ADDRESS");
    char **texts = calloc(argc + 2, sizeof *texts), *name = strrchr(argv[0], '/');
    int fd = dial(path);
    if (texts == NULL) fail(ENOMEM, "", "", "");
    signal(SIGPIPE, SIG_IGN);
    memcpy(texts + 2, argv, argc * sizeof *texts);
    texts[0] = id;
    texts[1] = getcwd(chunk, sizeof chunk) != NULL ? chunk : "";
    texts[2] = name != NULL ? name + 1 : argv[0];
    int unsent = ask(fd, texts, 2 + argc);
    while (move(fd, POLLIN, head, 5) == 0) {
        size_t size = get_size(head + 1);
        char *body = malloc(size + 1);
        if (body == NULL || move(fd, POLLIN, body, size) < 0) break;
        if (*head == 'X' && size > 0) return (unsigned char)*body;
        /* because who closed a pipe early still wants the exit code, writing may fail in silence */
        if (*head == 'O' || *head == 'E') move(*head == 'O' ? 1 : 2, POLLOUT, body, size);
        else if (*head == 'W' && size >= 4 && get_size(body) <= size - 4) write_file(body, size);
        else if (*head == 'I') send_input(fd, 0, NULL);
        else if (*head == 'F') send_file(fd, body, size);
        else break;
        free(body);
    }
    fail(0, "connection to the agent lost", "",
         unsent ? " before the request was sent" : ": the outcome is unknown");
}
