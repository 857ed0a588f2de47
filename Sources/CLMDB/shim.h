// The system's liblmdb, and the parts of signals and files whose names differ between platforms.
#ifndef CLMDB_SHIM_H
#define CLMDB_SHIM_H

#include <lmdb.h>
#include <signal.h>
#include <string.h>
#ifdef __linux__
#include <sys/statfs.h>  // not in the Glibc module
#include <sys/syscall.h>
// Headers that declare these would make their types, such as `struct stat`, ones of this module.
extern long syscall(long number, ...);
#else
#include <stdio.h>
#endif

/// The address a SIGBUS or SIGSEGV is about; si_addr is a macro that Swift cannot see.
static inline void *clmdb_fault_address(const siginfo_t *info) { return info->si_addr; }

/// Installs a handler that gets the details of a signal, and stores the one before.
static inline int clmdb_catch_signal(
    int signal, void (*handler)(int, siginfo_t *, void *), struct sigaction *previous) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return sigaction(signal, &action, previous);
}

/// Exchanges the names of two directories in one step; -1 where there is no such call.
static inline int clmdb_exchange(const char *one, const char *other) {
#if defined(__APPLE__)
  return renamex_np(one, other, RENAME_SWAP);
#elif defined(SYS_renameat2)
  const int here = -100;  // AT_FDCWD
  return (int)syscall(SYS_renameat2, here, one, here, other, 2 /* RENAME_EXCHANGE */);
#else
  return -1;
#endif
}

#endif
