package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// openStateFolder makes the folder of a node and locks it. A node key that runs twice gives no error: one of the two
// nodes just gets no traffic. Closing the file unlocks the folder; so does the end of the process, however it ends.
func openStateFolder(path string) (*os.File, error) {
	if !filepath.IsAbs(path) {
		return nil, fail("EINVAL", "state_dir must be an absolute path, not %q", path)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fail("ESTATE", "the state folder cannot be made: %w", err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return nil, fail("ESTATE", "the state folder cannot be closed to others: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fail("ESTATE", "the state folder cannot be used: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fail("EBUSY", "the state folder %s is in use by another node", path)
	}
	return lock, nil
}

// lastingPort is the UDP port of a node, the same after a restart. With a new port, peers continue to send to the old
// one for some seconds: the first request after every second restart took 5 to 10 s.
func lastingPort(folder string) uint16 {
	file := filepath.Join(folder, "udp-port")
	if text, err := os.ReadFile(file); err == nil {
		if port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16); err == nil {
			if port, free := freePort(int(port)); free {
				return port
			}
		}
	}
	port, free := freePort(0)
	if !free {
		return 0
	}
	// Without the file the node works; peers only need longer to find it again.
	_ = os.WriteFile(file, []byte(strconv.Itoa(int(port))), 0o600)
	return port
}

func freePort(wanted int) (uint16, bool) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{Port: wanted})
	if err != nil {
		return 0, false
	}
	defer socket.Close()
	address, ok := socket.LocalAddr().(*net.UDPAddr)
	return uint16(address.Port), ok
}

// knowsNode reports whether a node has logged in from the folder before.
func knowsNode(folder string) bool {
	text, err := os.ReadFile(filepath.Join(folder, "tailscaled.state"))
	return err == nil && bytes.Contains(text, []byte(`"_current-profile"`))
}
