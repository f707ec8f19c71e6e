//go:build linux

package main

import "golang.org/x/sys/unix"

// Calls that the program needs, with arguments that it does not.

// Requests of fcntl. The kernel signals the owner of a descriptor, which may be any process of the user, with any
// signal; another process that opens a file waits for the holder of a lease.
var fcntlRequests = []uint32{unix.F_SETOWN, unix.F_SETOWN_EX, unix.F_SETSIG, unix.F_SETLEASE, unix.F_NOTIFY}

// Input into a terminal.
var terminalRequests = []uint32{unix.TIOCSTI, unix.TIOCLINUX}

// The signal at the parent's death, the permission to trace this process, and processors that are shared with others.
var prctlRequests = []uint32{unix.PR_SET_PDEATHSIG, unix.PR_SET_PTRACER, unix.PR_SCHED_CORE}

// option is an option of a socket.
type option struct{ level, name uint32 }

// Options that Node sets on a connection. Others belong to the network in which it was opened: they join groups of
// multicast there, choose an interface, or a route.
var socketOptions = []option{
	{unix.SOL_SOCKET, unix.SO_REUSEADDR}, {unix.SOL_SOCKET, unix.SO_SNDBUF}, {unix.SOL_SOCKET, unix.SO_RCVBUF},
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE}, {unix.SOL_SOCKET, unix.SO_LINGER},
	{unix.IPPROTO_TCP, unix.TCP_NODELAY}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE}, {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT},
	{unix.IPPROTO_IP, unix.IP_TOS}, {unix.IPPROTO_IPV6, unix.IPV6_TCLASS},
}

const (
	// A file with these bits, in a folder that the program may write to, would run outside as the user of the program.
	setID = unix.S_ISUID | unix.S_ISGID
	// The flags with which open has a mode: O_CREAT, and O_TMPFILE without the flag that it shares with O_DIRECTORY.
	creates = unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY
)

// modeAt is the place of the mode among the arguments.
var modeAt = map[uintptr]uint32{unix.SYS_FCHMOD: 1, unix.SYS_FCHMODAT: 2, unix.SYS_FCHMODAT2: 2, unix.SYS_MKDIRAT: 2}

// flagsAt is the place of the flags; the mode follows.
var flagsAt = map[uintptr]uint32{unix.SYS_OPENAT: 2}

// answer is an instruction that ends the filter.
func answer(with uint32) unix.SockFilter { return unix.SockFilter{Code: give, K: with} }

// refuseValues refuses a call where an argument has one of the values.
func refuseValues(index uint32, values []uint32, with uint32) []unix.SockFilter {
	lines := []unix.SockFilter{{Code: load, K: argument(index)}}
	for _, value := range values {
		lines = append(lines, unix.SockFilter{Code: equal, K: value, Jf: 1}, answer(with))
	}
	return append(lines, answer(allow))
}

// allowOptions allows setsockopt for these options.
func allowOptions(options []option, otherwise uint32) []unix.SockFilter {
	lines := []unix.SockFilter{}
	for _, one := range options {
		lines = append(lines,
			unix.SockFilter{Code: load, K: argument(1)},
			unix.SockFilter{Code: equal, K: one.level, Jf: 3},
			unix.SockFilter{Code: load, K: argument(2)},
			unix.SockFilter{Code: equal, K: one.name, Jf: 1},
			answer(allow))
	}
	return append(lines, answer(otherwise))
}

// refuseSetID refuses a call with a mode that has one of these bits.
func refuseSetID(mode uint32, with uint32) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: load, K: argument(mode)},
		{Code: bits, K: setID, Jf: 1},
		answer(with),
		answer(allow),
	}
}

// refuseSetIDWhereCreated refuses an open that creates a file with such a mode.
func refuseSetIDWhereCreated(flags uint32, with uint32) []unix.SockFilter {
	return append([]unix.SockFilter{
		{Code: load, K: argument(flags)},
		{Code: bits, K: creates, Jt: 1},
		answer(allow),
	}, refuseSetID(flags+1, with)...)
}
