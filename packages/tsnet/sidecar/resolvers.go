package main

import (
	"context"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
	"tailscale.com/util/dnsname"
)

// askResolvers queries the resolvers that the tailnet names for a domain (split DNS, or its default ones), in order. It
// skips resolvers that are not reached through the tailnet, because they would be reached by the network of the host.
// Go's own resolver is not used: it reads the host's files.
func (n *node) askResolvers(ctx context.Context, name string) ([]netip.Addr, error) {
	fqdn, err := dnsname.ToFQDN(name)
	if err != nil {
		return nil, fail("EINVAL", "%q is no name", name)
	}
	var last error
	for _, upstream := range n.server.Sys().DNSManager.Get().Resolver().GetUpstreamResolvers(fqdn) {
		ask, ok := n.resolverAt(upstream.Addr)
		if !ok {
			continue
		}
		found, err := bothFamilies(ctx, ask, fqdn.WithTrailingDot())
		if err == nil {
			return found, nil
		}
		last = err
	}
	if last != nil {
		return nil, fail("ENOTFOUND", "%q: the resolver of the tailnet did not answer: %w", name, last)
	}
	return nil, nil
}

func bothFamilies(ctx context.Context, ask exchange, name string) ([]netip.Addr, error) {
	var found []netip.Addr
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		query, err := newQuery(name, kind)
		if err != nil {
			return nil, err
		}
		answer, err := ask(ctx, query)
		if err != nil {
			return nil, err
		}
		addresses, err := addressesIn(answer)
		if err != nil {
			return nil, err
		}
		found = append(found, addresses...)
	}
	return found, nil
}

func newQuery(name string, kind dnsmessage.Type) ([]byte, error) {
	asked, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, fail("EINVAL", "%q is no name", name)
	}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: randomID(), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: asked, Type: kind, Class: dnsmessage.ClassINET}},
	}
	return message.Pack()
}

// addressesIn returns the addresses in a reply; none if the name does not exist.
func addressesIn(answer []byte) ([]netip.Addr, error) {
	var message dnsmessage.Message
	if err := message.Unpack(answer); err != nil {
		return nil, err
	}
	switch message.RCode {
	case dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError:
	default:
		return nil, fail("ENOTFOUND", "the resolver says %s", message.RCode)
	}
	var found []netip.Addr
	for _, record := range message.Answers {
		switch body := record.Body.(type) {
		case *dnsmessage.AResource:
			found = append(found, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			found = append(found, netip.AddrFrom16(body.AAAA))
		}
	}
	return found, nil
}
