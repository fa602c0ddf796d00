/* decode_box.h - the box that kinora-decode works in: what it may still do once untrusted bytes come.
 *
 * Five walls, each holding where another is missing:
 *   memory     RLIMIT_AS: an allocation beyond it fails; FFmpeg says so, the title is refused
 *   processor  RLIMIT_CPU, moved by kn_decode_allow_cpu for each file; SIGXCPU ends the process
 *   files      RLIMIT_NOFILE 16, RLIMIT_FSIZE 64 KiB (of stderr, which the client keeps), no core dump
 *   Landlock   (Linux 5.13, more since 6.7 and 6.12) no path can be opened, made or removed, no TCP, no
 *              signal and no abstract socket outward
 *   seccomp    (CONFIG_SECCOMP_FILTER) only the system calls that decoding takes; opening a file
 *              fails with EPERM, as does whatever is not known; what nothing here ever does and only a
 *              taken-over decoder would (a socket, another program, a look into other processes) ends
 *              the process with SIGSYS
 * What remains are the descriptors that were handed over. Fonts, locales and character tables are files too:
 * nothing that is loaded later would be found, so all libraries are linked, and none is asked for more.
 *
 * Landlock and seccomp are missing in some containers and kernels: that is told in HELLO and by
 * `kinora doctor`, and is no failure. */
#ifndef KN_DECODE_BOX_H
#define KN_DECODE_BOX_H

#include <stdint.h>

/* Walls itself in, for good. memory: bytes of address space. Gives what holds, of KN_WIRE_BOX_*.
 * Ends the process (4) where a limit cannot be set: those exist everywhere. */
uint32_t kn_decode_box(uint64_t memory);

#endif
