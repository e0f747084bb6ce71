/* The floor of a plain HTTP check: a fresh connection, one GET, read to the end; nothing else.
 *
 *     floor PORT PATH SECONDS CONCURRENCY RATE ADDRESSES  ->  COUNT WRONG CPU_SECONDS
 *
 * One process, one epoll, waves of CONCURRENCY connections, RATE connections a second. Faster than that, the kernel moves
 * its work into threads of its own, which nobody would be charged for. ADDRESSES: 127.0.0.1 to that many, in turn, so
 * that no port is missed.
 * An answer is right when its status is 200.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct exchange { int fd, sent; size_t got; char start[16]; };

static struct sockaddr_in address;
static int addresses, turn;
static char request[512];
static int poller;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void begin(struct exchange *e) {
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = e};
    memset(e, 0, sizeof *e);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(turn++ % addresses));
    e->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (e->fd < 0) { perror("socket"); exit(1); }
    if (connect(e->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) { perror("connect"); exit(1); }
    epoll_ctl(poller, EPOLL_CTL_ADD, e->fd, &event);
}

static void wait_until(double when) {
    struct timespec t = {(time_t)when, (long)((when - (time_t)when) * 1e9)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

static void send_request(struct exchange *e) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = e};
    if (write(e->fd, request, strlen(request)) != (ssize_t)strlen(request)) { perror("write"); exit(1); }
    e->sent = 1;
    epoll_ctl(poller, EPOLL_CTL_MOD, e->fd, &event);
}

/* 1 once the peer has closed, which is the end of the answer. */
static int receive(struct exchange *e) {
    char buffer[16384];
    for (;;) {
        ssize_t n = read(e->fd, buffer, sizeof buffer);
        if (n < 0) return errno != EAGAIN;
        if (n == 0) return 1;
        if (e->got < sizeof e->start) {
            size_t room = sizeof e->start - e->got, part = (size_t)n < room ? (size_t)n : room;
            memcpy(e->start + e->got, buffer, part);
        }
        e->got += (size_t)n;
    }
}

int main(int argc, char **argv) {
    if (argc != 7) { fprintf(stderr, "usage: floor PORT PATH SECONDS CONCURRENCY RATE ADDRESSES\n"); return 2; }
    int concurrency = atoi(argv[4]);
    double wave = now(), end = wave + atof(argv[3]), gap = concurrency / atof(argv[5]);
    long count = 0, wrong = 0;
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)atoi(argv[1]));
    addresses = atoi(argv[6]);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nUser-Agent: floor\r\nConnection: close\r\n\r\n", argv[2], argv[1]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct exchange *all = calloc((size_t)concurrency, sizeof *all);
    for (; wave < end; wave += gap) {
        int open = concurrency;
        wait_until(wave);
        for (int i = 0; i < concurrency; i++) begin(&all[i]);
        while (open) {
            struct epoll_event events[256];
            int n = epoll_wait(poller, events, 256, 1000);
            for (int i = 0; i < n; i++) {
                struct exchange *e = events[i].data.ptr;
                if (!e->sent) { send_request(e); continue; }
                if (!receive(e)) continue;
                count++;
                wrong += e->got < 12 || memcmp(e->start, "HTTP/1.1 200", 12) != 0;
                close(e->fd);
                open--;
            }
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("%ld %ld %.6f\n", count, wrong,
           used.ru_utime.tv_sec + used.ru_utime.tv_usec / 1e6 + used.ru_stime.tv_sec + used.ru_stime.tv_usec / 1e6);
    return 0;
}
