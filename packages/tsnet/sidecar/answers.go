package main

import (
	"net/netip"
	"sync"
	"time"
)

const maxAnswers = 1024

// answers records when ports of peers last accepted a connection. A port that accepts others while a dial gets no answer
// is busy, and not filtered.
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

// since tells whether the port accepted a connection after that time.
func (a *answers) since(at netip.AddrPort, began time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.at[at]
	return known && last.After(began)
}
