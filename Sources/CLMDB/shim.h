// The system's liblmdb, and the parts of signal handling whose names differ between platforms.
#ifndef CLMDB_SHIM_H
#define CLMDB_SHIM_H

#include <lmdb.h>
#include <signal.h>
#include <string.h>
#ifdef __linux__
#include <sys/statfs.h>  // not in the Glibc module
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

#endif
