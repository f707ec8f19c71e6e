//go:build linux

// troupe-launch starts one program that is not trusted: in namespaces of its own, without capabilities, network or files but those that it is
// given, under limits and a seccomp filter. It stays as long as the program runs, hands connections to it, and ends with it.
//
//	troupe-launch <settings as JSON> <program> [argument]…
//
// Descriptors: 0 to 2 are the program's. 3 speaks Node's IPC with the parent, and is this program's alone: the program gets a socket of its own
// there, from which nothing is passed on but acknowledgements. 4 and 5 are the program's pipes.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// initName is what the second stage is called, which runs in the namespaces and becomes the program.
const initName = "troupe-launch-init"

// settings are what the parent decides. Paths are absolute, and without links.
type settings struct {
	// Read and Write are files and folders that the program sees, each under its own path.
	Read  []string `json:"read"`
	Write []string `json:"write"`
	// Folder is where the program starts.
	Folder string `json:"folder"`
	// Namespaces is "require", or "try", which goes on without them where there are none.
	Namespaces string            `json:"namespaces"`
	Limits     map[string]uint64 `json:"limits"`
	Nice       int               `json:"nice"`
}

// stage is what the first stage tells the second.
type stage struct {
	settings
	Isolated bool     `json:"isolated"`
	Program  []string `json:"program"`
}

func main() {
	// What is set for a thread alone (the parent's death, no_new_privs, the filter) is set for the one that starts the program.
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
	// A terminal sends its signals to all: the parent decides when the program ends. Caught, not ignored, which the program would inherit.
	signal.Notify(make(chan os.Signal, 1), unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGTERM, unix.SIGTSTP)
	os.Exit(supervise(given, os.Args[2:]))
}
