//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The program creates no socket. It connects, binds or listens with none, and passes none on. It receives connections,
// and those keep the network in which they were opened: connect with AF_UNSPEC and a second connect would reach any
// server there. All calls that send to an address are denied too, because with MSG_FASTOPEN they connect; write works
// on a stream.
var sockets = []uintptr{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
}

// Calls that affect other processes, and their resources.
var others = []uintptr{
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_KCMP,
	unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL,
	unix.SYS_SETPRIORITY, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETATTR, unix.SYS_IOPRIO_SET,
	unix.SYS_SETPGID, unix.SYS_SETSID, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMCTL, unix.SYS_SEMTIMEDOP,
	unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
	unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK, unix.SYS_MQ_NOTIFY,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_GET_ROBUST_LIST,
	// Locks of files that others lock, and the disks of all.
	unix.SYS_FLOCK, unix.SYS_SYNC, unix.SYS_SYNCFS,
}

// Calls that affect the system, and large parts of the kernel that Node does not need.
var system = []uintptr{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_STATMOUNT, unix.SYS_LISTMOUNT,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_FANOTIFY_INIT,
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_ACCT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_REBOOT, unix.SYS_VHANGUP,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_SYSLOG,
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	unix.SYS_PERSONALITY, unix.SYS_MKNODAT, unix.SYS_MLOCK, unix.SYS_MLOCK2, unix.SYS_MLOCKALL, unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY,
	unix.SYS_SET_MEMPOLICY_HOME_NODE,
}

// Calls that libraries try, and do without if the system does not have them.
// The filter cannot see the arguments of the last two.
var absent = []uintptr{
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_CLONE3, unix.SYS_OPENAT2,
}

const (
	// Calls above this one are newer than this list.
	lastKnown = unix.SYS_MSEAL
	// Requests of ioctl on sockets: the interfaces, routes and namespace of the network that a connection came from.
	firstOfSockets, lastOfSockets = 0x8900, 0x89ff

	load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	bits  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	give  = unix.BPF_RET | unix.BPF_K

	allow  = 0x7fff0000
	refuse = 0x00050000

	offsetOfNumber       = 0
	offsetOfArchitecture = 4
	offsetOfArguments    = 16
)

var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// argument returns the offset of the low half of an argument.
func argument(index uint32) uint32 { return offsetOfArguments + 8*index }

// filterProgram makes the filter for this process, which becomes the program.
func filterProgram(architecture uint32, self uint32) []unix.SockFilter {
	const eperm, enosys = refuse | uint32(unix.EPERM), refuse | uint32(unix.ENOSYS)
	lines := []unix.SockFilter{
		{Code: load, K: offsetOfArchitecture},
		{Code: equal, K: architecture, Jt: 1},
		answer(enosys),
		{Code: load, K: offsetOfNumber},
		// Calls of the x32 interface have higher numbers too.
		{Code: least, K: lastKnown + 1, Jf: 1},
		answer(enosys),
	}
	on := func(number uintptr, then ...unix.SockFilter) {
		lines = append(lines, unix.SockFilter{Code: equal, K: uint32(number), Jf: uint8(len(then))})
		lines = append(lines, then...)
	}
	for _, number := range absent {
		on(number, answer(enosys))
	}
	for _, list := range [][]uintptr{sockets, others, system, ofArchitecture} {
		for _, number := range list {
			on(number, answer(eperm))
		}
	}
	// Threads are allowed, processes are not.
	on(unix.SYS_CLONE,
		unix.SockFilter{Code: load, K: argument(0)},
		unix.SockFilter{Code: bits, K: unix.CLONE_THREAD, Jt: 1},
		answer(eperm),
		answer(allow))
	// Calls about a process, by its number.
	for number, only := range map[uintptr]uint32{unix.SYS_TGKILL: self, unix.SYS_PRLIMIT64: 0, unix.SYS_SCHED_SETAFFINITY: 0} {
		on(number,
			unix.SockFilter{Code: load, K: argument(0)},
			unix.SockFilter{Code: equal, K: only, Jt: 1},
			answer(eperm),
			answer(allow))
	}
	on(unix.SYS_IOCTL, append([]unix.SockFilter{
		{Code: load, K: argument(1)},
		{Code: least, K: firstOfSockets, Jf: 2},
		{Code: least, K: lastOfSockets + 1, Jt: 1},
		answer(eperm)},
		refuseValues(1, terminalRequests, eperm)...)...)
	on(unix.SYS_PRCTL, refuseValues(0, prctlRequests, eperm)...)
	on(unix.SYS_FCNTL, refuseValues(1, fcntlRequests, eperm)...)
	on(unix.SYS_SETSOCKOPT, allowOptions(socketOptions, eperm)...)
	for _, modes := range []map[uintptr]uint32{modeAt, modeOfArchitectureAt} {
		for number, index := range modes {
			on(number, refuseSetID(index, eperm)...)
		}
	}
	for _, flags := range []map[uintptr]uint32{flagsAt, flagsOfArchitectureAt} {
		for number, index := range flags {
			on(number, refuseSetIDWhereCreated(index, eperm)...)
		}
	}
	return append(lines, answer(allow))
}

func installFilter() error {
	architecture, isKnown := architectures[runtime.GOARCH]
	if !isKnown {
		return fmt.Errorf("seccomp: no filter for %s", runtime.GOARCH)
	}
	lines := filterProgram(architecture, uint32(os.Getpid()))
	filter := unix.SockFprog{Len: uint16(len(lines)), Filter: &lines[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, pointer(&filter)); errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	runtime.KeepAlive(lines)
	return nil
}
