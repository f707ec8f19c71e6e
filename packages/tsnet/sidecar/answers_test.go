package main

import (
	"net/netip"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	var known answers
	at, other := netip.MustParseAddrPort("100.64.0.1:80"), netip.MustParseAddrPort("100.64.0.1:81")
	before := time.Now().Add(-time.Second)
	if known.since(at, before) {
		t.Error("an answer of an unknown port")
	}
	known.note(at)
	if !known.since(at, before) || known.since(other, before) {
		t.Error("an answer is about its own port")
	}
	if known.since(at, time.Now().Add(time.Second)) {
		t.Error("an earlier answer does not count")
	}
	for n := range 2 * maxAnswers {
		known.note(netip.AddrPortFrom(at.Addr(), uint16(n+1)))
	}
	if len(known.at) > maxAnswers {
		t.Errorf("%d answers are kept", len(known.at))
	}
}
