//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var resources = map[string]int{
	"cpu":        unix.RLIMIT_CPU,
	"data":       unix.RLIMIT_DATA,
	"file_size":  unix.RLIMIT_FSIZE,
	"open_files": unix.RLIMIT_NOFILE,
	"threads":    unix.RLIMIT_NPROC,
}

// obstacle is the reason why the second stage did not become the program.
type obstacle struct {
	Words        string `json:"words"`
	NoNamespaces bool   `json:"no_namespaces"`
}

// noNamespaces is the error of a system that gives a process namespaces without rights in them, or no namespaces at
// all.
type noNamespaces struct{ error }

// becomeProgram is the second stage: it drops everything that the program must not have, and becomes the program.
func becomeProgram() {
	unix.CloseOnExec(statusFd)
	awaitWatch()
	err := become([]byte(os.Args[1]))
	words, _ := json.Marshal(obstacle{Words: err.Error(), NoNamespaces: errors.As(err, &noNamespaces{})})
	writeAll(statusFd, words)
	os.Exit(1)
}

// awaitWatch returns once the death of the first stage also ends this process. If the first stage is dead already, it
// ends this process.
func awaitWatch() {
	for {
		n, err := unix.Read(statusFd, make([]byte, len("go")))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			os.Exit(1)
		}
		return
	}
}

func become(text []byte) error {
	var what stage
	if err := json.Unmarshal(text, &what); err != nil {
		return err
	}
	// Where memory runs out, the system ends this process before the one that started it. Without this setting it is a
	// process like others.
	os.WriteFile("/proc/self/oom_score_adj", []byte(endedFirst), 0)
	if what.Isolated {
		if err := unix.Sethostname([]byte("sealed")); err != nil {
			return noNamespaces{fmt.Errorf("name the host: %w", err)}
		}
		if err := enterRoot(what.Read, what.Write); err != nil {
			return err
		}
	}
	if err := os.Chdir(what.Folder); err != nil {
		return err
	}
	// No core dumps, no queues, no locked memory: nothing that outlives the program or takes resources from others. A
	// limit of 0 does not keep the system from handing a dump to its own program, a limit of 1 does.
	for resource, most := range map[int]uint64{unix.RLIMIT_CORE: 1, unix.RLIMIT_MEMLOCK: 0, unix.RLIMIT_MSGQUEUE: 0} {
		if err := limit(resource, most); err != nil {
			return err
		}
	}
	for name, most := range what.Limits {
		resource, isKnown := resources[name]
		if !isKnown {
			return fmt.Errorf("no limit is called %q", name)
		}
		if err := limit(resource, most); err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
	}
	// The raw call returns 20 minus the nice value. Raising the nice value needs no privilege.
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err == nil {
		err = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-now+what.Nice, 19))
	}
	if err != nil {
		return fmt.Errorf("priority: %w", err)
	}
	closeOthers()
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := installFilter(); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", what.Program[0], syscall.Exec(what.Program[0], what.Program, os.Environ()))
}

// endedFirst is the highest value of oom_score_adj.
const endedFirst = "1000"

// limit lowers a limit; a lower one is kept.
func limit(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	most = min(most, now.Max)
	return unix.Prlimit(0, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
}

// closeOthers marks every descriptor that is not meant for the program as close-on-exec.
func closeOthers() {
	unix.CloseRange(lastFd+1, ^uint(0)>>1&0xffffffff, unix.CLOSE_RANGE_CLOEXEC)
}

const (
	noRoot       = 1<<0 | 1<<1
	noFixup      = 1<<2 | 1<<3
	noKeep       = 1 << 5
	noAmbient    = 1<<6 | 1<<7
	lastOfCapset = 63
)

func dropCapabilities() error {
	// The error is ignored: a process without capabilities has nothing to lock, and no_new_privs keeps it so.
	unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noFixup|noKeep|noAmbient, 0, 0, 0)
	unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	for capability := uintptr(0); capability <= lastOfCapset; capability++ {
		unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	return nil
}

func pointer[T any](to *T) uintptr { return uintptr(unsafe.Pointer(to)) }
