package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/dnstype"
	"tailscale.com/types/key"
	"tailscale.com/util/zstdframe"
)

const (
	keepAliveEach = 50 * time.Second
	// Changes come in bursts; with many nodes, a map for each would be most of the work.
	changesTogether = 3 * time.Millisecond
)

func (t *tailnet) poll(w http.ResponseWriter, r *http.Request, machine key.MachinePublic) {
	var asked tailcfg.MapRequest
	if !decode(w, r, &asked) {
		return
	}
	t.mu.Lock()
	m := t.keyed(asked.NodeKey)
	if m == nil || m.machine != machine {
		t.mu.Unlock()
		http.Error(w, "node not found", http.StatusNotFound)
		return
	}
	// A stream only reads; changes at the node arrive in separate requests.
	if !asked.Stream && !asked.ReadOnly && m.update(&asked) {
		t.changed(m)
	}
	t.mu.Unlock()
	out := &mapWriter{to: w, compressed: asked.Compress == "zstd"}
	if !asked.Stream {
		w.WriteHeader(http.StatusOK)
		if !asked.OmitPeers {
			_ = out.send(t.mapFor(m, &mapState{}))
		}
		return
	}
	t.arrive(m)
	defer t.leave(m)
	t.stream(r.Context(), out, m)
}

// update returns whether peers see the difference.
func (m *member) update(asked *tailcfg.MapRequest) bool {
	before := *m
	m.endpoints, m.disco, m.version = asked.Endpoints, asked.DiscoKey, asked.Version
	if asked.Hostinfo != nil {
		m.host = asked.Hostinfo
		if net := asked.Hostinfo.NetInfo; net != nil && net.PreferredDERP != 0 {
			m.relay = net.PreferredDERP
		}
	}
	return !slices.Equal(before.endpoints, m.endpoints) || before.disco != m.disco || before.relay != m.relay
}

func (t *tailnet) arrive(m *member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.absence != nil {
		m.absence.Stop()
	}
	if m.polls++; m.polls == 1 {
		t.changed(m)
		t.tell("online", m)
	}
}

func (t *tailnet) leave(m *member) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.polls--; m.polls > 0 || t.members[m.id] != m {
		return
	}
	t.changed(m)
	t.tell("offline", m)
	if m.ephemeral {
		m.absence = time.AfterFunc(t.ephemeralAfter, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if m.polls == 0 && t.members[m.id] == m {
				t.remove(m)
			}
		})
	}
}

// mapState is what was sent on a stream.
type mapState struct {
	revision uint64
	peers    []tailcfg.NodeID
}

func (t *tailnet) stream(ctx context.Context, out *mapWriter, m *member) {
	out.to.WriteHeader(http.StatusOK)
	var told mapState
	for {
		t.mu.Lock()
		wake, isMember := t.wake, t.members[m.id] == m
		t.mu.Unlock()
		if !isMember || out.send(t.mapFor(m, &told)) != nil {
			return
		}
		for asleep := true; asleep; {
			select {
			case <-wake:
				asleep = false
				time.Sleep(changesTogether)
			case <-time.After(keepAliveEach):
				if out.send(&tailcfg.MapResponse{KeepAlive: true}) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// mapFor returns what is new since the last message on the stream; the first time, everything.
func (t *tailnet) mapFor(m *member, told *mapState) *tailcfg.MapResponse {
	t.mu.Lock()
	defer t.mu.Unlock()
	isNew := func(revision uint64) bool { return told.revision == 0 || max(revision, t.common) > told.revision }
	answer := &tailcfg.MapResponse{UserProfiles: t.profiles()}
	if isNew(m.revision) {
		answer.Node, answer.DERPMap, answer.Domain, answer.CollectServices = t.nodeOf(m, true), t.relays, t.domain, "false"
		answer.DNSConfig, answer.PacketFilter = t.dnsFor(m), tailcfg.FilterAllowAll
	}
	var peers []tailcfg.NodeID
	var fresh []*tailcfg.Node
	for _, other := range t.members {
		if other == m || !other.approved || other.expired() {
			continue
		}
		peers = append(peers, other.id)
		if isNew(other.revision) {
			fresh = append(fresh, t.nodeOf(other, false))
		}
	}
	slices.SortFunc(fresh, func(a, b *tailcfg.Node) int { return int(a.ID - b.ID) })
	if told.revision == 0 {
		answer.Peers = fresh
	} else {
		answer.PeersChanged = fresh
	}
	for _, id := range told.peers {
		if !slices.Contains(peers, id) {
			answer.PeersRemoved = append(answer.PeersRemoved, id)
		}
	}
	told.peers, told.revision = peers, max(t.revision, 1)
	return answer
}

func (t *tailnet) nodeOf(m *member, self bool) *tailcfg.Node {
	online := m.polls > 0
	node := &tailcfg.Node{
		ID: m.id, StableID: m.stableID(), Name: m.name + "." + t.domain + ".", User: t.userID(m), Key: m.key, KeyExpiry: m.expiry, Machine: m.machine,
		DiscoKey: m.disco, Addresses: m.addresses(), AllowedIPs: append(m.addresses(), m.routes...), Endpoints: m.endpoints, HomeDERP: m.relay,
		Hostinfo: m.host.View(), Created: time.Unix(1, 0), Tags: m.tags, PrimaryRoutes: withoutDefaults(m.routes), Online: &online,
		MachineAuthorized: m.approved, Cap: m.version, Expired: m.expired(),
	}
	if self {
		node.CapMap = tailcfg.NodeCapMap{}
		if t.https {
			node.CapMap[tailcfg.CapabilityHTTPS] = nil
		}
		if t.relayOnly {
			node.CapMap[tailcfg.NodeAttrOnlyTCP443] = nil
		}
	}
	if t.relayOnly {
		node.Endpoints = nil
	}
	return node
}

func withoutDefaults(routes []netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(routes), func(route netip.Prefix) bool { return route.Bits() == 0 })
}

func (t *tailnet) dnsFor(m *member) *tailcfg.DNSConfig {
	config := &tailcfg.DNSConfig{Proxied: true, Domains: []string{t.domain}, ExtraRecords: t.records, Routes: map[string][]*dnstype.Resolver{t.domain: nil}}
	if t.https {
		config.CertDomains = []string{m.name + "." + t.domain}
	}
	for suffix, addresses := range t.routes {
		if suffix == "" {
			config.Resolvers = resolversOf(addresses)
		} else {
			config.Routes[suffix] = resolversOf(addresses)
		}
	}
	return config
}

// mapWriter frames the responses of a poll: a length, and JSON that may be compressed.
type mapWriter struct {
	to         http.ResponseWriter
	compressed bool
}

func (w *mapWriter) send(answer *tailcfg.MapResponse) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	if w.compressed {
		body = zstdframe.AppendEncode(nil, body, zstdframe.FastestCompression)
	}
	if _, err := w.to.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		return err
	}
	return http.NewResponseController(w.to).Flush()
}
