package main

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// How long a port that accepted a connection counts as not filtered: silence then means that the peer is busy.
	answerHolds = time.Minute
	maxAnswers  = 1024
)

// answers are the ports of peers that recently accepted a connection.
type answers struct {
	mu sync.Mutex
	at map[netip.AddrPort]time.Time
}

func (a *answers) note(at netip.AddrPort) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at == nil || len(a.at) >= maxAnswers {
		a.at = make(map[netip.AddrPort]time.Time)
	}
	a.at[at] = time.Now()
}

func (a *answers) has(at netip.AddrPort) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.at[at]
	return known && time.Since(last) < answerHolds
}
