#include "decode/decode_box.h"

#include "decode/protocol.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

enum { OPEN_FILES = 16, STDERR_BYTES = 1 << 16, INSTRUCTIONS = 192 };

static void limit(__rlimit_resource_t what, rlim_t most)
{
    struct rlimit r = {most, most};
    struct rlimit had;

    if (getrlimit(what, &had) == 0 && had.rlim_max < most)
        r.rlim_cur = r.rlim_max = had.rlim_max;
    if (setrlimit(what, &r)) {
        fprintf(stderr, "limit %d cannot be set: %s\n", (int)what, strerror(errno));
        _exit(4);
    }
}

/* ---- Landlock ---- */

#ifndef SYS_landlock_create_ruleset /* one number everywhere, younger than some headers */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

struct rules { /* landlock_ruleset_attr; each version of the kernel's knows more of it */
    uint64_t files, network, scoped;
};

/* A rule set without a rule: all that it handles is refused. <linux/landlock.h> may be older than the kernel that
 * runs, so what there is to handle is asked for by version. */
static bool landlock(void)
{
    static const unsigned rights[] = {13, 14, 15, 15, 16}; /* on files, as of version 1, 2... */
    const uint32_t ask_version = 1;
    struct rules rules = {.network = 3 /* bind, connect */,
                          .scoped = 3 /* abstract sockets, signals */};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ask_version);
    size_t size = version < 4   ? offsetof(struct rules, network)
                  : version < 6 ? offsetof(struct rules, scoped)
                                : sizeof rules;
    long fd, rc;

    if (version < 1)
        return false;
    rules.files = ((uint64_t)1 << rights[version > 5 ? 4 : version - 1]) - 1;
    fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0)
        return false;
    rc = syscall(SYS_landlock_restrict_self, fd, 0);
    close((int)fd);
    return rc == 0;
}

/* ---- seccomp ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

/* All that FFmpeg, the C library and a sanitizer call after the libraries are loaded. */
static const int allowed[] = {
    SYS_read,
    SYS_pread64,
    SYS_write,
    SYS_writev,
    SYS_close,
    SYS_lseek,
    SYS_fstat,
    SYS_newfstatat,
    SYS_fcntl,
    SYS_recvmsg,
    SYS_recvfrom,
    SYS_sendto,
    SYS_sendmsg,
    SYS_getsockopt,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_sched_getaffinity,
    SYS_getpid,
    SYS_gettid,
    SYS_getrusage,
    SYS_getrandom,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_exit,
    SYS_exit_group,
    SYS_sysinfo,
    SYS_uname,
};

/* Nobody here has a use for these. Sanitizers do, when they report: there they fail, and the report goes on. */
static const int deadly[] = {
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_mount,
    SYS_unshare,
    SYS_setns,
    SYS_keyctl,
    SYS_add_key,
    SYS_kexec_load,
    SYS_init_module,
    SYS_io_uring_setup,
};

#define NUMBER offsetof(struct seccomp_data, nr)
#define ARGUMENT(i) offsetof(struct seccomp_data, args[i]) /* its lower half: little-endian */

struct filter {
    struct sock_filter at[INSTRUCTIONS];
    unsigned short n;
};

static void add(struct filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    f->at[f->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct filter *f, size_t from)
{
    add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)from, 0, 0);
}

static void answer(struct filter *f, uint32_t with)
{
    add(f, BPF_RET | BPF_K, with, 0, 0);
}

/* If what was loaded is k, the answer; else on. */
static void answer_if(struct filter *f, uint32_t k, uint32_t with)
{
    add(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
    answer(f, with);
}

/* A call that is fine with one value of an argument, all of whose bits under mask are set as in value. */
static void allow_with(struct filter *f, int call, size_t argument, uint32_t mask, uint32_t value)
{
    add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
    load(f, argument);
    add(f, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    answer_if(f, value, SECCOMP_RET_ALLOW);
    answer(f, SECCOMP_RET_ERRNO | EPERM);
}

static bool seccomp(void)
{
    const uint32_t end =
        KN_DECODE_LIMITS_MEMORY ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
    struct filter f = {.n = 0};
    struct sock_fprog program;

    if (ARCHITECTURE == 0)
        return false;
    load(&f, offsetof(struct seccomp_data, arch));
    add(&f, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(&f, SECCOMP_RET_KILL_PROCESS);
    load(&f, NUMBER); /* an x32 call has a number that is none of these */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        answer_if(&f, (uint32_t)allowed[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        answer_if(&f, (uint32_t)deadly[i], end);
    /* The C library then takes clone, whose flags a filter can see. */
    answer_if(&f, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    allow_with(&f, SYS_clone, ARGUMENT(0), CLONE_THREAD, CLONE_THREAD);
    allow_with(&f, SYS_prlimit64, ARGUMENT(0), UINT32_MAX, 0);               /* of itself */
    allow_with(&f, SYS_tgkill, ARGUMENT(0), UINT32_MAX, (uint32_t)getpid()); /* abort() */
    answer(&f, SECCOMP_RET_ERRNO | EPERM);
    program = (struct sock_fprog){f.n, f.at};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

uint32_t kn_decode_box(uint64_t memory)
{
    uint32_t holds = 0;

    if (KN_DECODE_LIMITS_MEMORY) {
        limit(RLIMIT_AS, (rlim_t)memory);
        holds |= KN_WIRE_BOX_MEMORY;
    }
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, OPEN_FILES);
    limit(RLIMIT_FSIZE, STDERR_BYTES);
    signal(SIGXFSZ, SIG_IGN);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _exit(4);
    if (landlock())
        holds |= KN_WIRE_BOX_LANDLOCK;
    if (seccomp())
        holds |= KN_WIRE_BOX_SECCOMP;
    return holds;
}
