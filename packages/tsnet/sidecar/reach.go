package main

import (
	"net"
	"reflect"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"tailscale.com/tsnet"
	"tailscale.com/wgengine/netstack"
)

// What the user-space stack can do, and its wrappers do not offer, is reached by the names of their fields. Versions are pinned, and
// tests fail should a name go.

// abortTCP resets a connection: its adapter only knows an orderly close, which would let half of an answer pass for the whole.
func abortTCP(conn net.Conn) {
	if endpoint, ok := endpointOf(conn); ok {
		endpoint.Abort()
	}
	conn.Close()
}

func endpointOf(conn net.Conn) (tcpip.Endpoint, bool) {
	tcp, ok := bare(conn).(*gonet.TCPConn)
	if !ok {
		return nil, false
	}
	return fieldOf[tcpip.Endpoint](tcp, "ep")
}

// abortAll resets what is open in the stack of a node. tsnet's Close does so only once nothing takes packets from the stack any more, and
// waits for ever where there are more of them than its queue holds, 512.
func abortAll(server *tsnet.Server) int {
	all, ok := stackOf(server)
	if !ok {
		return 0
	}
	endpoints := all.RegisteredEndpoints()
	for _, endpoint := range endpoints {
		endpoint.Abort()
	}
	return len(endpoints)
}

func stackOf(server *tsnet.Server) (*stack.Stack, bool) {
	impl, ok := server.Sys().Netstack.Get().(*netstack.Impl)
	if !ok {
		return nil, false
	}
	return fieldOf[*stack.Stack](impl, "ipstack")
}

func fieldOf[T any, S any](of *S, name string) (value T, ok bool) {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() {
		return value, false
	}
	value, ok = reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(T)
	return value, ok
}
