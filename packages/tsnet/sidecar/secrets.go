package main

import (
	"regexp"
	"strings"
	"sync"
)

// secrets blots out the keys that were handed in, and whatever looks like one, from all words that leave the process.
type secrets struct {
	mu   sync.RWMutex
	keys map[string]struct{}
}

// Ids of logins that wait (hskey-authreq-) are in addresses that somebody has to open.
var keyShape = regexp.MustCompile(`(tskey-[a-z]+-|privkey:|hskey-(?:auth|api)-)[A-Za-z0-9_-]+`)

// No server makes a key as short as this: to blot it out would only garble what is said.
const shortestKey = 8

func (s *secrets) add(key string) {
	if len(key) < shortestKey {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]struct{}{}
	}
	s.keys[key] = struct{}{}
}

func (s *secrets) blot(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key := range s.keys {
		text = strings.ReplaceAll(text, key, "[key]")
	}
	return keyShape.ReplaceAllString(text, "${1}[key]")
}
