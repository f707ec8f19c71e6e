//go:build linux

package main

import "golang.org/x/sys/unix"

// Calls that exist only on this architecture.
var ofArchitecture = []uintptr{unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL}

var modeOfArchitectureAt = map[uintptr]uint32{}

var flagsOfArchitectureAt = map[uintptr]uint32{}
