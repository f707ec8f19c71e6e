// A link with a delay between two network namespaces, made of two TUN devices: packets that enter one leave the other
// after the delay. For kernels without netem.
//
//	slow-link DELAY NAMESPACE DEVICE NAMESPACE DEVICE
//
// It prints "ready" when both devices exist, and ends when its standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	setIff   = 0x400454ca // TUNSETIFF
	tun      = 0x0001     // IFF_TUN
	noHeader = 0x1000     // IFF_NO_PI
	setns    = 308        // the system call, on amd64; arm64 has 268
)

type packet struct {
	due  time.Time
	data []byte
}

func open(namespace, device string) *os.File {
	// A thread that has changed its namespace must not return to the scheduler.
	runtime.LockOSThread()
	fd, err := syscall.Open("/run/netns/"+namespace, syscall.O_RDONLY, 0)
	check(err)
	number := uintptr(setns)
	if runtime.GOARCH == "arm64" {
		number = 268
	}
	if _, _, errno := syscall.Syscall(number, uintptr(fd), syscall.CLONE_NEWNET, 0); errno != 0 {
		check(errno)
	}
	tunFd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	check(err)
	var request [40]byte
	copy(request[:16], device)
	*(*uint16)(unsafe.Pointer(&request[16])) = tun | noHeader
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(tunFd), setIff, uintptr(unsafe.Pointer(&request))); errno != 0 {
		check(errno)
	}
	return os.NewFile(uintptr(tunFd), device)
}

func carry(from, to *os.File, delay time.Duration) {
	queue := make(chan packet, 1<<16)
	go func() {
		for next := range queue {
			time.Sleep(time.Until(next.due))
			_, _ = to.Write(next.data)
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		check(err)
		queue <- packet{time.Now().Add(delay), append([]byte(nil), buffer[:n]...)}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("slow-link DELAY NAMESPACE DEVICE NAMESPACE DEVICE")
	}
	delay, err := time.ParseDuration(os.Args[1])
	check(err)
	devices := make(chan *os.File)
	ends := [2]*os.File{}
	for i := range ends {
		go func() { devices <- open(os.Args[2+2*i], os.Args[3+2*i]); select {} }()
		ends[i] = <-devices
	}
	go carry(ends[0], ends[1], delay)
	go carry(ends[1], ends[0], delay)
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
