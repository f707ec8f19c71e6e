//go:build linux

package main

import "golang.org/x/sys/unix"

// Calls that this architecture alone still has.
var ofArchitecture = []uintptr{unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL}
