//go:build linux

package main

import "golang.org/x/sys/unix"

// Calls that exist only on this architecture.
var ofArchitecture = []uintptr{
	unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_MKNOD, unix.SYS_USELIB, unix.SYS_USTAT,
	unix.SYS_SYSFS, unix.SYS__SYSCTL, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
}

var modeOfArchitectureAt = map[uintptr]uint32{unix.SYS_CHMOD: 1, unix.SYS_MKDIR: 1, unix.SYS_CREAT: 1}

var flagsOfArchitectureAt = map[uintptr]uint32{unix.SYS_OPEN: 1}
