// The sidecar makes a Node process a member of tailnets: each of its nodes is a tsnet server, whose connections Node
// opens and accepts over a Unix socket. PROTOCOL.md in the parent folder is its contract.
package main

import (
	_ "sidecar/environ"

	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

const (
	protocol = 3
	// Without a limit, bulk traffic takes 450 to 730 MB; with this limit the throughput is the same.
	defaultMemoryLimit = "128MiB"
	stopWithin         = 5 * time.Second
)

// version is set by the build.
var version = "0.0.0"

func main() {
	socketPath := flag.String("sock", "", "path of the data socket, in a folder that is this user's alone")
	memoryLimit := flag.String("memory-limit", "", "soft limit of the heap, such as 128MiB")
	logs := flag.Bool("verbose", false, "log on stderr")
	tell := flag.Bool("version", false, "print versions and end")
	var authorities []string
	flag.Func("ca", "file of certificates (PEM) that are trusted too; may be given several times", func(path string) error {
		authorities = append(authorities, path)
		return nil
	})
	flag.Parse()
	if *tell {
		fmt.Println(versions())
		return
	}
	if err := trust(authorities); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err := run(*socketPath, *memoryLimit, *logs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(socketPath, memoryLimit string, logs bool) error {
	if err := limitMemory(memoryLimit); err != nil {
		return err
	}
	hidden := &secrets{}
	log.SetOutput(io.Discard)
	if logs {
		log.SetOutput(&blottingWriter{os.Stderr, hidden})
	}
	socket, err := openSocket(socketPath)
	if err != nil {
		return err
	}
	defer socket.Close()
	// Otherwise tsnet would look for a log folder in the system's folders.
	os.Setenv("TS_LOGS_DIR", filepath.Dir(socketPath))
	s := &sidecar{out: &outbox{to: os.Stdout, secrets: hidden}, secrets: hidden}
	go s.carry(socket)
	s.out.event("ready", fields{"proto": protocol, "pid": os.Getpid(), "sock": socketPath, "version": version})

	ended := make(chan struct{})
	go func() {
		s.control(os.Stdin)
		close(ended)
	}()
	signals := make(chan os.Signal, 1)
	// A terminal sends it to all of its processes; Node decides what it means for the nodes.
	signal.Ignore(syscall.SIGINT)
	signal.Notify(signals, syscall.SIGTERM)
	select {
	case <-ended:
	case <-signals:
	}
	s.stop(stopWithin)
	return nil
}

func openSocket(path string) (*net.UnixListener, error) {
	if path == "" {
		return nil, fmt.Errorf("--sock is missing: the path of the data socket")
	}
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("the folder of the data socket: %w", err)
	}
	owner, ok := folder.Sys().(*syscall.Stat_t)
	if folder.Mode().Perm()&0o077 != 0 || !ok || int(owner.Uid) != os.Getuid() {
		return nil, fmt.Errorf("the folder %s must belong to this user with mode 0700, because access to the data socket gives control of the nodes", filepath.Dir(path))
	}
	before := syscall.Umask(0o177)
	defer syscall.Umask(before)
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// limitMemory keeps the limit of GOMEMLIMIT in the environment, unless the option sets another.
func limitMemory(limit string) error {
	if limit == "" {
		if os.Getenv("GOMEMLIMIT") != "" {
			return nil
		}
		limit = defaultMemoryLimit
	}
	bytes, err := parseMemory(limit)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(bytes)
	return nil
}

func versions() string {
	encoded, _ := json.Marshal(fields{"version": version, "proto": protocol, "tailscale": moduleVersion("tailscale.com"), "go": runtime.Version()})
	return string(encoded)
}

func moduleVersion(path string) string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == path {
				return module.Version[1:]
			}
		}
	}
	return ""
}
