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

// Features of the user-space stack that its wrappers do not offer are reached through the names of their fields.
// Versions are pinned, and tests fail if a name disappears.

// abortTCP resets a connection: its adapter offers only an orderly close, which would make half of a response look
// complete.
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

// abortAll resets all open connections in the stack of a node. tsnet's Close resets them only after nothing reads
// packets from the stack, and waits forever if there are more packets than its queue holds, 512.
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
