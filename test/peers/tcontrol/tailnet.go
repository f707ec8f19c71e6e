package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// A tailnet is the state of the coordination server. Every change wakes the polling nodes, which then get the news.
type tailnet struct {
	domain string
	url    string
	out    *printer
	noise  key.MachinePrivate
	relays *tailcfg.DERPMap

	mu        sync.Mutex
	members   map[tailcfg.NodeID]*member
	lastID    tailcfg.NodeID
	users     []string
	keys      map[string]*authKey
	logins    map[string]*pendingLogin
	approval  bool
	https     bool
	relayOnly bool
	records   []tailcfg.DNSRecord
	routes    map[string][]string
	text      map[string][]string
	// How long an ephemeral node may be away.
	ephemeralAfter time.Duration
	// wake is closed, and replaced, at each change.
	wake chan struct{}
	// revision counts the changes; common is the last change of the state that all nodes share.
	revision, common uint64
}

// A member is one node.
type member struct {
	id        tailcfg.NodeID
	name      string
	key       key.NodePublic
	machine   key.MachinePublic
	disco     key.DiscoPublic
	host      *tailcfg.Hostinfo
	endpoints []netip.AddrPort
	relay     int
	version   tailcfg.CapabilityVersion
	user      string
	tags      []string
	routes    []netip.Prefix
	ephemeral bool
	approved  bool
	expiry    time.Time
	polls     int
	absence   *time.Timer
	revision  uint64
}

func newTailnet(domain string, out *printer) *tailnet {
	return &tailnet{
		domain: domain, out: out, noise: key.NewMachine(), members: map[tailcfg.NodeID]*member{}, keys: map[string]*authKey{},
		logins: map[string]*pendingLogin{}, routes: map[string][]string{}, text: map[string][]string{}, https: true,
		ephemeralAfter: time.Minute, wake: make(chan struct{}),
	}
}

// set changes the state that all nodes share.
func (t *tailnet) set(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.revision++
	t.common = t.revision
	t.awaken()
}

// changed is called, with the lock held, when a change of a node is visible to others.
func (t *tailnet) changed(m *member) {
	t.revision++
	m.revision = t.revision
	t.awaken()
}

func (t *tailnet) awaken() {
	close(t.wake)
	t.wake = make(chan struct{})
}

func (t *tailnet) change(name string, change func(*member)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.named(name)
	if found == nil {
		return fmt.Errorf("there is no node %q", name)
	}
	change(found)
	t.changed(found)
	t.tell("changed", found)
	return nil
}

func (t *tailnet) named(name string) *member {
	for _, m := range t.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

func (t *tailnet) keyed(k key.NodePublic) *member {
	for _, m := range t.members {
		if m.key == k {
			return m
		}
	}
	return nil
}

func (t *tailnet) onMachine(k key.MachinePublic) *member {
	for _, m := range t.members {
		if m.machine == k {
			return m
		}
	}
	return nil
}

func (t *tailnet) removeNamed(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.named(name)
	if found == nil {
		return fmt.Errorf("there is no node %q", name)
	}
	t.remove(found)
	return nil
}

func (t *tailnet) remove(m *member) {
	delete(t.members, m.id)
	t.changed(m)
	t.tell("removed", m)
}

// add admits a new node, under a free name.
func (t *tailnet) add(machine key.MachinePublic, host *tailcfg.Hostinfo) *member {
	t.lastID++
	m := &member{id: t.lastID, machine: machine, host: host, approved: !t.approval}
	wanted := strings.ToLower(host.Hostname)
	m.name = wanted
	for count := 1; t.named(m.name) != nil; count++ {
		m.name = fmt.Sprintf("%s-%d", wanted, count)
	}
	t.members[m.id] = m
	return m
}

func (t *tailnet) setResolvers(suffix string, addresses []string) {
	t.set(func() { t.routes[suffix] = addresses })
}

func (m *member) addresses() []netip.Prefix {
	v4 := netip.AddrFrom4([4]byte{100, 64, byte(m.id >> 8), byte(m.id)})
	v6 := netip.AddrFrom16([16]byte{0xfd, 0x7a, 0x11, 0x5c, 0xa1, 0xe0, 12: 0, 13: 0, 14: byte(m.id >> 8), 15: byte(m.id)})
	return []netip.Prefix{netip.PrefixFrom(v4, 32), netip.PrefixFrom(v6, 128)}
}

func (m *member) expired() bool { return !m.expiry.IsZero() && m.expiry.Before(time.Now()) }

func (t *tailnet) list() []fields {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []fields{}
	for _, m := range t.members {
		all = append(all, m.describe())
	}
	slices.SortFunc(all, func(a, b fields) int { return strings.Compare(fmt.Sprint(a["name"]), fmt.Sprint(b["name"])) })
	return all
}

func (m *member) describe() fields {
	ips := []string{}
	for _, prefix := range m.addresses() {
		ips = append(ips, prefix.Addr().String())
	}
	return fields{
		"name": m.name, "stable_id": m.stableID(), "ips": ips, "user": m.user, "tags": append([]string{}, m.tags...), "ephemeral": m.ephemeral,
		"online": m.polls > 0, "expired": m.expired(), "approved": m.approved, "endpoints": m.endpoints,
	}
}

func (m *member) stableID() tailcfg.StableNodeID {
	return tailcfg.StableNodeID(fmt.Sprintf("test%d", m.id))
}

// tell reports an event, so that the test can wait for it instead of sleeping.
func (t *tailnet) tell(change string, m *member) {
	t.out.print(fields{"ev": "node", "change": change, "node": m.describe()})
}
