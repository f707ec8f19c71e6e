//go:build linux

package main

import (
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeArguments makes calls that the program may make, with arguments that it may not use, and with some that it may.
func probeArguments(call func(uintptr, ...uintptr) string) map[string]string {
	text := func(words string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(words + "\x00"))) }
	one, group := int32(1), [136]byte{}
	// struct group_req: an interface, and 239.1.2.3 as sockaddr_in.
	copy(group[8:], []byte{unix.AF_INET, 0, 0, 0, 239, 1, 2, 3})
	// struct f_owner_ex of F_OWNER_PID.
	owner := [2]int32{1, int32(os.Getpid())}
	set := func(level, name uintptr, value unsafe.Pointer, size uintptr) string {
		return call(unix.SYS_SETSOCKOPT, connectionFd, level, name, uintptr(value), size)
	}
	folder, _ := unix.Open(os.Getenv("FOLDER"), unix.O_PATH|unix.O_DIRECTORY, 0)
	in := uintptr(folder)
	open := func(name string, mode uintptr) string {
		return call(unix.SYS_OPENAT, in, text(name), unix.O_CREAT|unix.O_RDWR, mode)
	}
	how := unix.OpenHow{Flags: unix.O_CREAT | unix.O_RDWR, Mode: 0o4755}
	var processors unix.CPUSet
	unix.SchedGetaffinity(0, &processors)
	affinity := func(pid int) string {
		return call(unix.SYS_SCHED_SETAFFINITY, uintptr(pid), unsafe.Sizeof(processors), uintptr(unsafe.Pointer(&processors)))
	}
	found := map[string]string{
		"owner of a descriptor":    call(unix.SYS_FCNTL, connectionFd, unix.F_SETOWN, uintptr(os.Getpid())),
		"owner, by structure":      call(unix.SYS_FCNTL, connectionFd, unix.F_SETOWN_EX, uintptr(unsafe.Pointer(&owner))),
		"signal of a descriptor":   call(unix.SYS_FCNTL, connectionFd, unix.F_SETSIG, uintptr(unix.SIGKILL)),
		"status of a descriptor":   call(unix.SYS_FCNTL, connectionFd, unix.F_GETFL),
		"group of multicast":       set(unix.IPPROTO_IP, unix.MCAST_JOIN_GROUP, unsafe.Pointer(&group), uintptr(len(group))),
		"interface":                set(unix.SOL_SOCKET, unix.SO_BINDTODEVICE, unsafe.Pointer(unsafe.StringData("lo")), 2),
		"route":                    set(unix.IPPROTO_IP, unix.IP_OPTIONS, unsafe.Pointer(&one), 0),
		"mark":                     set(unix.SOL_SOCKET, unix.SO_MARK, unsafe.Pointer(&one), 4),
		"time to live":             set(unix.IPPROTO_IP, unix.IP_TTL, unsafe.Pointer(&one), 4),
		"no delay":                 set(unix.IPPROTO_TCP, unix.TCP_NODELAY, unsafe.Pointer(&one), 4),
		"keep alive":               set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, unsafe.Pointer(&one), 4),
		"type of service":          set(unix.IPPROTO_IP, unix.IP_TOS, unsafe.Pointer(&one), 4),
		"create a file":            open("plain", 0o755),
		"mode of a file":           call(unix.SYS_FCHMODAT, in, text("plain"), 0o700),
		"open a file":              call(unix.SYS_OPENAT, in, text("plain"), unix.O_RDONLY, 0o4755),
		"set-user-id file":         open("set-id", 0o4755),
		"set-user-id mode":         call(unix.SYS_FCHMODAT, in, text("plain"), 0o4755),
		"set-user-id mode, newer":  call(unix.SYS_FCHMODAT2, in, text("plain"), 0o4755, 0),
		"set-group-id mode":        call(unix.SYS_FCHMODAT, in, text("plain"), 0o2755),
		"set-group-id folder":      call(unix.SYS_MKDIRAT, in, text("folder"), 0o2755),
		"openat2":                  call(unix.SYS_OPENAT2, in, text("newer"), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how)),
		"flush all disks":          call(unix.SYS_SYNC),
		"processors of another":    affinity(os.Getpid()),
		"own processors":           affinity(0),
		"core dump":                "unlimited",
		"end when memory runs out": "last",
	}
	leased, _ := unix.Openat(folder, "leased", unix.O_CREAT|unix.O_RDONLY, 0o600)
	found["lease"] = call(unix.SYS_FCNTL, uintptr(leased), unix.F_SETLEASE, unix.F_RDLCK)
	found["set-user-id mode, open"] = call(unix.SYS_FCHMOD, uintptr(leased), 0o4755)
	found["lock"] = call(unix.SYS_FLOCK, uintptr(leased), unix.LOCK_EX|unix.LOCK_NB)
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CORE, &limit) == nil && limit.Max <= 1 {
		found["core dump"] = "limited"
	}
	score, _ := os.ReadFile("/proc/self/oom_score_adj")
	if strings.TrimSpace(string(score)) == "1000" {
		found["end when memory runs out"] = "first"
	}
	return found
}
