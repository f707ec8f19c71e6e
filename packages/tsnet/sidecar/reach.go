package main

import (
	"context"
	"errors"
	"net"
	"reflect"
	"time"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"tailscale.com/control/controlclient"
	"tailscale.com/ipn/ipnlocal"
	"tailscale.com/net/dnscache"
	"tailscale.com/syncs"
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

// forgetControlAddresses makes the client of the control server look its name up again. It keeps addresses for ten
// minutes, also those at which nothing answers any more. It reports whether it could.
func forgetControlAddresses(server *tsnet.Server) bool {
	backend, ok := fieldOf[*ipnlocal.LocalBackend](server, "lb")
	if !ok {
		return false
	}
	cache, ok := controlNamesOf(backend)
	if !ok {
		return false
	}
	lock, isLock := pointerTo[syncs.Mutex](cache, "mu")
	known := fieldNamed(cache, "ipCache")
	if !isLock || !known.IsValid() || known.Kind() != reflect.Map {
		return false
	}
	lock.Lock()
	defer lock.Unlock()
	known.Clear()
	return true
}

// controlNamesOf returns the names that the client of the control server knows.
func controlNamesOf(backend *ipnlocal.LocalBackend) (*dnscache.Resolver, bool) {
	direct, ok := controlClientOf(backend)
	if !ok {
		return nil, false
	}
	return fieldOf[*dnscache.Resolver](direct, "dnsCache")
}

// controlClientOf returns the client of the control server. There is another one after a login.
func controlClientOf(backend *ipnlocal.LocalBackend) (*controlclient.Direct, bool) {
	lock, isLock := pointerTo[syncs.Mutex](backend, "mu")
	held, isHeld := pointerTo[controlclient.Client](backend, "cc")
	if !isLock || !isHeld {
		return nil, false
	}
	lock.Lock()
	client := *held
	lock.Unlock()
	auto, ok := client.(*controlclient.Auto)
	if !ok {
		return nil, false
	}
	return fieldOf[*controlclient.Direct](auto, "direct")
}

var errNoControlClient = errors.New("the client of the control server is not where it was")

// sendUpdate sends the node's present state to the control server, which may refuse it.
func sendUpdate(ctx context.Context, server *tsnet.Server) error {
	if backend, ok := fieldOf[*ipnlocal.LocalBackend](server, "lb"); ok {
		if direct, ok := controlClientOf(backend); ok {
			return direct.SendUpdate(ctx)
		}
	}
	return errNoControlClient
}

// allowPlainControl makes the client of a control server without TLS use its own port again. After a connection that
// lasted less than two minutes the client tries port 443 only, and each attempt starts those minutes anew
// (tailscale/tailscale#14646). It reports whether it could.
func allowPlainControl(server *tsnet.Server) bool {
	tracker := server.Sys().HealthTracker.Get()
	lock, isLock := pointerTo[syncs.Mutex](tracker, "mu")
	last, isLast := pointerTo[time.Time](tracker, "lastNoiseDial")
	if !isLock || !isLast {
		return false
	}
	lock.Lock()
	defer lock.Unlock()
	*last = time.Time{}
	return true
}

func fieldOf[T any, S any](of *S, name string) (value T, ok bool) {
	field := fieldNamed(of, name)
	if !field.IsValid() {
		return value, false
	}
	value, ok = field.Interface().(T)
	return value, ok
}

func pointerTo[T any, S any](of *S, name string) (pointer *T, ok bool) {
	field := fieldNamed(of, name)
	if !field.IsValid() {
		return nil, false
	}
	pointer, ok = field.Addr().Interface().(*T)
	return pointer, ok
}

// fieldNamed returns a field that may be read and set, exported or not.
func fieldNamed[S any](of *S, name string) reflect.Value {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}
