//go:build linux

package main

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestMain makes this program its own test subject: the launcher, its second stage, and a program that tries what is
// denied.
func TestMain(m *testing.M) {
	switch {
	case os.Args[0] == initName || len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "{"):
		main()
	case len(os.Args) > 1 && os.Args[1] == "probe":
		json.NewEncoder(os.Stdout).Encode(probe())
	default:
		os.Exit(m.Run())
	}
}

// connectionFd is a connection that the program receives.
const connectionFd = 4

func outcome(errno syscall.Errno) string {
	if errno == 0 {
		return "done"
	}
	return unix.ErrnoName(errno)
}

func probe() map[string]string {
	call := func(number uintptr, arguments ...uintptr) string {
		var all [6]uintptr
		copy(all[:], arguments)
		_, _, errno := unix.RawSyscall6(number, all[0], all[1], all[2], all[3], all[4], all[5])
		return outcome(errno)
	}
	unspecified := unix.RawSockaddr{Family: unix.AF_UNSPEC}
	to := uintptr(unsafe.Pointer(&unspecified))
	nothing := []byte{0}
	data := uintptr(unsafe.Pointer(&nothing[0]))
	var pair [2]int32
	name := append([]byte("x"), 0)
	found := map[string]string{
		"socket":           call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0),
		"socket unix":      call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0),
		"socketpair":       call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, uintptr(unsafe.Pointer(&pair[0]))),
		"write":            call(unix.SYS_WRITE, connectionFd, data, 1),
		"namespace of it":  call(unix.SYS_IOCTL, connectionFd, 0x894c),
		"sendto fast open": call(unix.SYS_SENDTO, connectionFd, data, 1, unix.MSG_FASTOPEN, to, 16),
		"connect nowhere":  call(unix.SYS_CONNECT, connectionFd, to, 16),
		"listen":           call(unix.SYS_LISTEN, connectionFd, 1),
		"memfd":            call(unix.SYS_MEMFD_CREATE, uintptr(unsafe.Pointer(&name[0])), 0),
		"io_uring":         call(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&[120]byte{}))),
		"unshare":          call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS),
		"kill":             call(unix.SYS_KILL, uintptr(os.Getpid()), 0),
		"kill the parent":  call(unix.SYS_KILL, uintptr(os.Getppid()), 0),
		"own death":        call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0),
		"priority":         call(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, 19),
		"clone3":           call(unix.SYS_CLONE3, 0, 0),
		"keyctl":           call(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(2), 0),
		"younger call":     call(lastKnown+1, 0),
		"x32":              call(0x40000000 + unix.SYS_GETPID),
	}
	maps.Copy(found, probeArguments(call))
	if os.Getpid() == 1 {
		// Otherwise its parent would stop it at the next signal.
		found["ptrace"] = call(unix.SYS_PTRACE, unix.PTRACE_TRACEME)
	}
	child, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if child == 0 && errno == 0 {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	found["fork"] = outcome(errno)
	for what, path := range map[string]string{"secret": os.Getenv("SECRET"), "users": "/etc/passwd", "own program": os.Args[0]} {
		_, err := os.Stat(path)
		found["see "+what] = map[bool]string{true: "done", false: "ENOENT"}[err == nil]
	}
	err := os.WriteFile("/written", nil, 0o600)
	found["write a file"] = map[bool]string{true: "done", false: "refused"}[err == nil]
	if err == nil {
		os.Remove("/written")
	}
	priority, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	found["is lower"] = map[bool]string{true: "yes", false: "no"}[priority < 20]
	return found
}

// run runs the probe, with a connection to a server of this test: through the launcher, or directly.
func run(t *testing.T, given *settings) map[string]string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	file, err := connection.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	channel, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writable := t.TempDir()
	arguments := []string{"probe"}
	if given != nil {
		given.Read, given.Write, given.Folder = []string{own}, []string{writable}, "/"
		text, _ := json.Marshal(given)
		arguments = []string{string(text), own, "probe"}
	}
	ended, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ended, own, arguments...)
	command.Env = []string{"SECRET=" + secret, "FOLDER=" + writable}
	command.ExtraFiles = []*os.File{os.NewFile(uintptr(channel[1]), "channel"), file, file}
	command.Stderr = os.Stderr
	printed, err := command.Output()
	if err != nil {
		report := make([]byte, maxLine)
		n, _ := unix.Read(channel[0], report)
		t.Fatalf("%v: %s", err, report[:max(n, 0)])
	}
	found := map[string]string{}
	if err := json.Unmarshal(printed, &found); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	return found
}

func TestProgramHasNothing(t *testing.T) {
	found := run(t, &settings{Namespaces: "require", Nice: 3, Limits: map[string]uint64{"open_files": 64, "file_size": 0}})
	allowed := map[string]string{
		"write": "done", "see own program": "done", "is lower": "yes",
		"io_uring": "ENOSYS", "clone3": "ENOSYS", "younger call": "ENOSYS", "x32": "ENOSYS",
		"see secret": "ENOENT", "see users": "ENOENT", "write a file": "refused",
		"openat2": "ENOSYS", "no delay": "done", "keep alive": "done", "type of service": "done", "own processors": "done",
		"create a file": "done", "mode of a file": "done", "open a file": "done", "status of a descriptor": "done",
		"core dump": "limited", "end when memory runs out": "first",
	}
	for what, came := range found {
		expected, isListed := allowed[what]
		if !isListed {
			expected = "EPERM"
		}
		if came != expected {
			t.Errorf("%s: %s, and should be %s", what, came, expected)
		}
	}
}

// The attempts are valid: without the launcher they succeed.
func TestProbeSucceedsWithoutLauncher(t *testing.T) {
	found := run(t, nil)
	for _, what := range []string{"socket", "socket unix", "socketpair", "write", "connect nowhere", "listen", "memfd", "kill", "fork", "see secret",
		"owner of a descriptor", "owner, by structure", "signal of a descriptor", "lease", "lock", "group of multicast", "set-user-id file",
		"set-user-id mode", "set-group-id mode", "set-group-id folder", "flush all disks", "processors of another"} {
		if found[what] != "done" {
			t.Errorf("%s: %s", what, found[what])
		}
	}
}

func TestFilterIsForThisProcess(t *testing.T) {
	lines := filterProgram(unix.AUDIT_ARCH_X86_64, 4711)
	if len(lines) > unix.BPF_MAXINSNS {
		t.Fatalf("%d instructions", len(lines))
	}
	for at, line := range lines {
		if line.Code&0x07 == unix.BPF_JMP && at+1+int(max(line.Jt, line.Jf)) >= len(lines) {
			t.Errorf("instruction %d jumps out", at)
		}
	}
}

// A busy program acknowledges no connection. The end of the parent is seen nevertheless.
func TestRelayEndsWithTheParent(t *testing.T) {
	pair := func() [2]int {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return ends
	}
	parent, program := pair(), pair()
	ended := make(chan struct{})
	go func() {
		relay(parent[1], program[1])
		close(ended)
	}()
	line := []byte("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\"}\n")
	if err := unix.Sendmsg(parent[0], line, unix.UnixRights(program[0]), nil, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Read(program[0], make([]byte, len(line))); err != nil || n == 0 {
		t.Fatalf("the program got %d bytes: %v", n, err)
	}
	unix.Close(parent[0])
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("it waits for the program")
	}
}
