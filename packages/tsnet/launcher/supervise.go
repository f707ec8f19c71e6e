//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Descriptors, in this process and in the program.
const (
	channelFd = 3
	lastFd    = 5
	// statusFd belongs to the second stage: it waits there until it is watched, and reports why it could not become the
	// program.
	statusFd = 6
)

// outOfMemory is reported in place of the signal with which the kernel ended the program at its limit of memory.
const outOfMemory = "OOM"

// report is what the parent receives, as messages of Node's IPC.
type report struct {
	// Started reports whether the program has namespaces, and why not.
	Started *started `json:"started,omitempty"`
	Failed  string   `json:"failed,omitempty"`
	Ended   *ended   `json:"ended,omitempty"`
}

type started struct {
	Namespaces bool   `json:"namespaces"`
	Why        string `json:"why,omitempty"`
	// Cgroup is the folder of the program's cgroup, which the parent deletes if this process was killed.
	Cgroup string `json:"cgroup,omitempty"`
	// CgroupWhy is the reason why there is none.
	CgroupWhy string `json:"cgroup_why,omitempty"`
	// Unlimited are the limits of the cgroup whose controllers are not available.
	Unlimited []string `json:"unlimited,omitempty"`
}

type ended struct {
	Code   int    `json:"code"`
	Signal string `json:"signal,omitempty"`
}

// supervise runs the program to its end, and returns the exit code of the launcher.
func supervise(given settings, program []string) int {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail("a socket for the program", err)
	}
	about := started{}
	limited, why := newGroup(given.Cgroup)
	about.CgroupWhy = why
	if limited != nil {
		about.Cgroup, about.Unlimited = limited.path, limited.unlimited
		defer limited.remove()
	}
	pid, why, err := start(stage{settings: given, Program: program}, pair[1], limited)
	if err != nil {
		return fail("the program does not start", err)
	}
	unix.Close(pair[1])
	// Only the program may close the other ends of these.
	closeProgramFiles()
	about.Namespaces, about.Why = why == "", why
	tell(report{Started: &about})
	go func() {
		relay(channelFd, pair[0])
		// The parent has ended.
		unix.Kill(pid, unix.SIGKILL)
	}()
	var status unix.WaitStatus
	var used unix.Rusage
	for {
		_, err := unix.Wait4(pid, &status, 0, &used)
		if err != unix.EINTR {
			break
		}
	}
	end := ended{Code: status.ExitStatus()}
	if status.Signaled() {
		end = ended{Code: 128 + int(status.Signal()), Signal: unix.SignalName(status.Signal())}
	}
	// The first process of a namespace gets SIGKILL at this limit, where other processes get SIGXCPU.
	most, isLimited := given.Limits["cpu"]
	if isLimited && status.Signaled() && uint64(used.Utime.Sec+used.Stime.Sec)+1 >= most {
		end.Signal = "SIGXCPU"
	}
	if limited != nil && status.Signaled() && limited.ranOut() {
		end.Signal = outOfMemory
	}
	tell(report{Ended: &end})
	return 0
}

func fail(what string, err error) int {
	tell(report{Failed: fmt.Sprintf("%s: %v", what, err)})
	return 1
}

func tell(what report) {
	line, err := json.Marshal(what)
	if err == nil {
		writeAll(channelFd, append(line, '\n'))
	}
}

// start starts the second stage, in namespaces if that is possible. why is the reason if it is not.
func start(what stage, channel int, limited *group) (pid int, why string, err error) {
	what.Isolated = true
	pid, err = startStage(what, channel, limited)
	if err == nil {
		return pid, "", nil
	}
	why = explain(err)
	if !errors.As(err, &noNamespaces{}) {
		return 0, "", err
	}
	if what.Namespaces != "try" {
		return 0, why, fmt.Errorf("no namespaces: %s", why)
	}
	what.Isolated = false
	pid, err = startStage(what, channel, limited)
	return pid, why, err
}

func startStage(what stage, channel int, limited *group) (int, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return 0, err
	}
	status, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	attributes := &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true}
	if what.Isolated {
		uid, gid := os.Geteuid(), os.Getegid()
		attributes.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attributes.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_SETPCAP, unix.CAP_DAC_OVERRIDE}
	}
	pid, err := syscall.ForkExec("/proc/self/exe", []string{initName, string(text)}, &syscall.ProcAttr{
		Env:   programEnvironment(),
		Files: []uintptr{0, 1, 2, uintptr(channel), 4, 5, uintptr(status[1])},
		Sys:   attributes,
	})
	unix.Close(status[1])
	defer unix.Close(status[0])
	if err != nil && what.Isolated {
		return 0, noNamespaces{err}
	}
	if err != nil {
		return 0, err
	}
	if limited != nil {
		if err := limited.add(pid); err != nil {
			unix.Kill(pid, unix.SIGKILL)
			unix.Wait4(pid, nil, 0, nil)
			return 0, fmt.Errorf("cgroup: %w", err)
		}
	}
	// From here on the death of this process also ends that one; an earlier death would have had no effect.
	writeAll(status[0], []byte("go"))
	// Empty if the second stage became the program, because exec closed the descriptor.
	words, err := io.ReadAll(os.NewFile(uintptr(dup(status[0])), "status"))
	if err == nil && len(words) == 0 {
		return pid, nil
	}
	unix.Kill(pid, unix.SIGKILL)
	unix.Wait4(pid, nil, 0, nil)
	found := obstacle{Words: "it ended at once"}
	json.Unmarshal(words, &found)
	if found.NoNamespaces {
		return 0, noNamespaces{errors.New(found.Words)}
	}
	return 0, errors.New(found.Words)
}

func dup(fd int) int {
	copied, _ := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return copied
}

// programEnvironment is the environment of this process, with another channel descriptor.
func programEnvironment() []string {
	given := []string{}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "NODE_CHANNEL_") {
			given = append(given, variable)
		}
	}
	return append(given, fmt.Sprintf("NODE_CHANNEL_FD=%d", channelFd), "NODE_CHANNEL_SERIALIZATION_MODE=json")
}

func closeProgramFiles() {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	for fd := 0; fd <= lastFd; fd++ {
		if fd == channelFd {
			continue
		}
		if fd <= 2 && err == nil {
			unix.Dup3(null, fd, 0)
		} else {
			unix.Close(fd)
		}
	}
}

func setting(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}

// explain adds the most likely reason why a process gets no namespaces.
func explain(err error) string {
	hint := ""
	switch {
	case setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		hint = "sysctl kernel.unprivileged_userns_clone is 0"
	case setting("/proc/sys/user/max_user_namespaces") == "0":
		hint = "sysctl user.max_user_namespaces is 0"
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		hint = "AppArmor restricts user namespaces: a profile with \"userns,\" for this program allows them"
	case strings.Contains(setting("/proc/self/status"), "Seccomp:\t2"):
		hint = "a seccomp filter is in force, such as a container's default one"
	}
	if hint == "" {
		return err.Error()
	}
	return fmt.Sprintf("%v (%s)", err, hint)
}
