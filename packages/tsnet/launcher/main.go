//go:build linux

// troupe-launch starts one untrusted program: in its own namespaces, without capabilities, with no network or files
// except those that it is given, under limits and a seccomp filter. It runs as long as the program, hands connections
// to it, and ends with it.
//
//	troupe-launch <settings as JSON> <program> [argument]…
//
// Descriptors: 0 to 2 belong to the program. 3 carries Node's IPC with the parent, and belongs to this launcher alone:
// the program gets its own socket there, from which nothing is passed on except acknowledgements. 4 and 5 are the
// program's pipes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// initName is the name of the second stage, which runs in the namespaces and becomes the program.
const initName = "troupe-launch-init"

// settings are decided by the parent. Paths are absolute, and without links.
type settings struct {
	// Read and Write are files and folders that the program sees, each at its own path.
	Read  []string `json:"read"`
	Write []string `json:"write"`
	// Folder is the working directory of the program.
	Folder string `json:"folder"`
	// Namespaces is "require", or "try", which continues without them if there are none.
	Namespaces string            `json:"namespaces"`
	Limits     map[string]uint64 `json:"limits"`
	Nice       int               `json:"nice"`
	Cgroup     groupSettings     `json:"cgroup"`
}

// stage is the message from the first stage to the second.
type stage struct {
	settings
	Isolated bool     `json:"isolated"`
	Program  []string `json:"program"`
}

func main() {
	// The settings of a single thread (the signal at the parent's death, no_new_privs, the filter) must be on the
	// thread that starts the program.
	runtime.LockOSThread()
	if os.Args[0] == initName {
		becomeProgram()
		return
	}
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: troupe-launch <settings> <program> [argument]…")
		os.Exit(2)
	}
	var given settings
	if err := json.Unmarshal([]byte(os.Args[1]), &given); err != nil {
		fmt.Fprintln(os.Stderr, "troupe-launch: settings:", err)
		os.Exit(2)
	}
	// A terminal sends its signals to all processes of the group, but the parent decides when the program ends. The
	// signals are caught, because the program would inherit ignored ones.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP)
	os.Exit(supervise(given, os.Args[2:]))
}
