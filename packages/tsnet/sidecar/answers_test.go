package main

import (
	"net/netip"
	"testing"
	"time"
)

func TestAnswers(t *testing.T) {
	var known answers
	at, other := netip.MustParseAddrPort("100.64.0.1:80"), netip.MustParseAddrPort("100.64.0.1:81")
	if known.has(at) {
		t.Error("an answer of nobody")
	}
	known.note(at)
	if !known.has(at) || known.has(other) {
		t.Error("an answer is about its own port")
	}
	known.at[at] = time.Now().Add(-answerHolds)
	if known.has(at) {
		t.Error("an old answer says nothing")
	}
	for n := range 2 * maxAnswers {
		known.note(netip.AddrPortFrom(at.Addr(), uint16(n+1)))
	}
	if len(known.at) > maxAnswers {
		t.Errorf("%d answers are kept", len(known.at))
	}
}
