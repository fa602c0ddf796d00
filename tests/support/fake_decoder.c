/* Stands in for kinora-decode and breaks its promises. What it does is the part of its own name
 * after the last '-' (tests make links such as fake-hang), since a decoder gets no other word. */
#include "decode/protocol.h"

#include <kinora/err.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static union kn_wire_answer answer;

static void tell(size_t n)
{
    if (send(KN_WIRE_SOCKET, &answer, n, MSG_NOSIGNAL) < 0)
        exit(0);
}

static void tell_kind(uint32_t kind)
{
    answer.kind = kind;
    tell(sizeof answer.kind);
}

static void hear(void)
{
    struct kn_wire_request r;

    if (recv(KN_WIRE_SOCKET, &r, sizeof r, 0) <= 0)
        exit(0);
}

static void tell_info(uint32_t n_streams, int32_t audio, uint32_t kind)
{
    memset(&answer, 0, sizeof answer);
    answer.info =
        (struct kn_wire_info){.kind = KN_WIRE_INFO, .n_streams = n_streams, .audio = audio};
    memset(answer.info.title, 0xC3, sizeof answer.info.title); /* no end, and no UTF-8 */
    answer.info.duration = NAN;
    answer.info.streams[0].kind = kind;
    tell(offsetof(struct kn_wire_info, streams) + sizeof answer.info.streams[0]);
}

static void tell_audio(uint32_t n, size_t sent)
{
    answer.audio.kind = KN_WIRE_AUDIO;
    answer.audio.n = n;
    for (size_t i = 0; i < sent; i++)
        answer.audio.samples[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -1e30F;
    tell(offsetof(struct kn_wire_audio, samples) + sent * sizeof(float));
}

/* A correct file whose sound is nonsense. */
static void wild(void)
{
    tell_info(1, 0, KN_STREAM_AUDIO);
    hear();
    tell_audio(300, 300);
    hear();
    answer.error = (struct kn_wire_error){.kind = KN_WIRE_ERROR, .code = KN_ECORRUPT};
    memset(answer.error.text, 0x1B, sizeof answer.error.text); /* escape, escape... */
    tell(sizeof answer.error);
}

/* One that cannot be told from a line of its file, one at no time, then one that is shorter than it says. */
static void tell_cues(void)
{
    static const char text[] = "a\nDialogue: 0,9,b\x1b";

    answer.cue =
        (struct kn_wire_cue){.kind = KN_WIRE_CUE, .n = sizeof text - 1, .start = 1, .end = 2};
    memcpy(answer.cue.text, text, sizeof text - 1);
    tell(offsetof(struct kn_wire_cue, text) + answer.cue.n);
    answer.cue.start = NAN;
    tell(offsetof(struct kn_wire_cue, text) + answer.cue.n);
    answer.cue.n = KN_WIRE_CUE_TEXT + 1;
    tell(offsetof(struct kn_wire_cue, text) + 16);
}

static void noise(void)
{
    unsigned char bytes[512];
    static unsigned seed;

    srand(seed++);
    for (int i = 0; i < 512; i++)
        bytes[i] = (unsigned char)rand();
    memcpy(bytes, &(uint32_t){KN_WIRE_HELLO + (uint32_t)rand() % 8}, 4);
    send(KN_WIRE_SOCKET, bytes, 4 + (size_t)rand() % 500, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
    const char *dash = strrchr(argv[0], '-');
    const char *mode = dash ? dash + 1 : "";

    (void)argc;
    answer.hello = (struct kn_wire_hello){.kind = KN_WIRE_HELLO, .version = KN_WIRE_VERSION};
    if (strcmp(mode, "old") == 0)
        answer.hello.version = KN_WIRE_VERSION + 1;
    if (strcmp(mode, "mute") == 0) {
        fputs("no such library\nand more\n", stderr);
        return 127;
    }
    tell(sizeof answer.hello);
    for (;;) {
        hear();
        if (strcmp(mode, "hang") == 0)
            for (;;)
                pause();
        else if (strcmp(mode, "alive") == 0)
            tell_kind(KN_WIRE_ALIVE), usleep(700000), tell_kind(KN_WIRE_ALIVE), usleep(700000),
                tell_info(1, -1, KN_STREAM_VIDEO);
        else if (strcmp(mode, "abort") == 0)
            abort();
        else if (strcmp(mode, "cpu") == 0)
            raise(SIGXCPU);
        else if (strcmp(mode, "exit") == 0)
            return 9;
        else if (strcmp(mode, "index") == 0)
            tell_info(1, 1, KN_STREAM_AUDIO);
        else if (strcmp(mode, "count") == 0)
            tell_info(KN_MEDIA_STREAMS + 1, -1, KN_STREAM_AUDIO);
        else if (strcmp(mode, "kind") == 0)
            tell_info(1, -1, 77);
        else if (strcmp(mode, "early") == 0)
            tell_audio(10, 10);
        else if (strcmp(mode, "long") == 0)
            tell_info(1, 0, KN_STREAM_AUDIO), hear(), tell_audio(20, 10);
        else if (strcmp(mode, "none") == 0)
            tell_info(1, 0, KN_STREAM_AUDIO), hear(), tell_audio(0, 0);
        else if (strcmp(mode, "wild") == 0)
            wild();
        else if (strcmp(mode, "cue") == 0)
            tell_info(1, -1, KN_STREAM_SUBTITLE), hear(), tell_cues();
        else
            noise();
    }
}
