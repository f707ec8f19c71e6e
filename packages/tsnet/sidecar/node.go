package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/ipn/store/mem"
	"tailscale.com/net/tsdial"
	"tailscale.com/tsnet"
)

// A node is one member of a tailnet.
type node struct {
	name   string
	lock   *os.File
	server *tsnet.Server
	local  *local.Client
	dialer *tsdial.Dialer
	out    *outbox

	// ctx ends with the node.
	ctx  context.Context
	stop context.CancelCauseFunc

	// usedKey: it logged in by the auth key, and not by the key in its folder.
	usedKey bool

	self       self
	names      names
	answers    answers
	identities identities
	contact    contact
	ports      ports
	open       openConnections
	traffic    traffic
}

var errDown = &failure{code: "ECANCELED", err: errors.New("the node was taken down")}

// How long peers have to receive the resets of connections before the node closes: its own end sends them nothing.
const farewell = 100 * time.Millisecond

const (
	logoutWithin = 3 * time.Second
	closeWithin  = 10 * time.Second
)

func newNode(name string, out *outbox) *node {
	ctx, stop := context.WithCancelCause(context.Background())
	return &node{name: name, out: out, ctx: ctx, stop: stop}
}

// up returns once the node is part of the tailnet; down ends it, also from another goroutine.
func (n *node) up(r *request) (fields, error) {
	started := time.Now()
	lock, err := openStateFolder(r.StateDir)
	if err != nil {
		return nil, err
	}
	n.lock = lock
	status, err := n.join(r)
	if err == nil {
		err = context.Cause(n.ctx)
	}
	if err != nil {
		_ = n.close(false)
		return nil, err
	}
	self := newPeer(status, status.Self)
	if err := n.checkOwner(r, self.User); err != nil {
		_ = n.close(true)
		return nil, err
	}
	n.self.set(status.TailscaleIPs, status.Self.DNSName)
	return fields{
		"ips": texts(status.TailscaleIPs), "dns_name": n.self.dnsName(), "stable_id": self.StableID, "user": self.User, "tags": self.Tags,
		"tailnet": tailnetOf(status), "cert_domains": append([]string{}, status.CertDomains...), "ms": time.Since(started).Milliseconds(),
	}, nil
}

func (n *node) join(r *request) (*ipnstate.Status, error) {
	key := firstKey(r)
	n.usedKey = key != ""
	n.server = &tsnet.Server{
		Dir: r.StateDir, Hostname: r.Hostname, AuthKey: key, ControlURL: r.ControlURL, Ephemeral: r.Ephemeral,
		AdvertiseTags: r.Tags, Port: lastingPort(r.StateDir), UserLogf: n.log, Logf: n.log,
	}
	if r.Ephemeral {
		n.server.Store = new(mem.Store)
	}
	client, err := n.server.LocalClient()
	if err != nil {
		return nil, fail("ESTART", "the node did not start: %w", err)
	}
	n.local = client
	n.dialer = n.server.Sys().Dialer.Get()
	n.server.RegisterFallbackTCPHandler(n.incoming)

	ctx, cancel := context.WithTimeoutCause(n.ctx, r.timeout(30*time.Second), context.DeadlineExceeded)
	defer cancel()
	changes, err := n.watch()
	if err != nil {
		return nil, err
	}
	if err := n.awaitRunning(ctx, changes, r); err != nil {
		return nil, err
	}
	go n.follow(changes)
	status, err := client.StatusWithoutPeers(ctx)
	if err != nil {
		return nil, err
	}
	return status, n.useRoutes(ctx, r.ExitNode)
}

// firstKey is the key that tsnet offers at its start: none if the folder knows a node. That node has its own key. An
// auth key that was deleted, or belongs to another user, would exclude it or make another node of it. The auth key is
// offered when a login proves to be needed.
func firstKey(r *request) string {
	if r.Ephemeral || !knowsNode(r.StateDir) {
		return r.AuthKey
	}
	return ""
}

// useRoutes accepts the routes that peers announce, which tsnet by itself does not do on every system, and the
// requested exit node.
func (n *node) useRoutes(ctx context.Context, exitNode string) error {
	wanted := &ipn.MaskedPrefs{RouteAllSet: true, ExitNodeIDSet: true, ExitNodeIPSet: true}
	wanted.RouteAll = true
	if exitNode != "" {
		status, err := n.local.Status(ctx)
		if err != nil {
			return err
		}
		if err := wanted.SetExitNodeIP(exitNode, status); err != nil {
			return fail("EINVAL", "exit_node: %w", err)
		}
	}
	_, err := n.local.EditPrefs(ctx, wanted)
	return err
}

// down ends the connections, logs out of the tailnet if requested, and frees the state folder.
func (n *node) down(logout bool) error {
	n.stop(errDown)
	n.ports.closeAll()
	if open := n.open.abortAll() + abortAll(n.server); open > 0 {
		time.Sleep(farewell)
	}
	return n.close(logout || n.server.Ephemeral)
}

// close frees the state folder, unless the node does not end: then nothing else may use the folder.
func (n *node) close(logout bool) error {
	n.stop(errDown)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if n.server == nil {
			return
		}
		if logout && n.local != nil {
			ctx, cancel := context.WithTimeout(context.Background(), logoutWithin)
			// A control server that cannot be reached detects the logout by itself.
			_ = n.local.Logout(ctx)
			cancel()
		}
		n.server.Close()
	}()
	select {
	case <-ended:
		n.lock.Close()
		return nil
	case <-time.After(closeWithin):
		return fail("EIO", "the node did not end within %s; its state folder stays locked", closeWithin)
	}
}

func (n *node) log(format string, args ...any) {
	verbose(n.name, format, args...)
	if !strings.HasPrefix(format, "control: ") {
		return
	}
	for _, arg := range args {
		if err, ok := arg.(error); ok && strings.Contains(err.Error(), unknownNode) {
			n.deleted()
		}
	}
}

// The control server's reply to a request for the map of a node that it does not know. tsnet retries forever, and
// reports it only in its log.
const unknownNode = "initial fetch failed 404"

// deleted reports once that the control server no longer knows the node.
func (n *node) deleted() {
	if n.self.delete() {
		n.out.event("error", fields{"node": n.name, "code": "EDELETED", "error": gone})
	}
}

// openConnections are those that end with the node.
type openConnections struct {
	mu   sync.Mutex
	all  map[interface{ abort() }]struct{}
	done bool
}

// add returns a function that forgets the connection, or false once the node is closing.
func (o *openConnections) add(conn interface{ abort() }) (remove func(), ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return nil, false
	}
	if o.all == nil {
		o.all = map[interface{ abort() }]struct{}{}
	}
	o.all[conn] = struct{}{}
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.all, conn)
	}, true
}

func (o *openConnections) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

func (o *openConnections) abortAll() int {
	o.mu.Lock()
	o.done = true
	ending := make([]interface{ abort() }, 0, len(o.all))
	for conn := range o.all {
		ending = append(ending, conn)
	}
	o.mu.Unlock()
	for _, conn := range ending {
		conn.abort()
	}
	return len(ending)
}
