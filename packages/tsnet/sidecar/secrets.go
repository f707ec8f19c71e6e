package main

import (
	"regexp"
	"strings"
	"sync"
)

// secrets removes the keys that were passed in, and everything that looks like a key, from all output of the process.
type secrets struct {
	mu   sync.RWMutex
	keys map[string]struct{}
}

// Ids of pending logins (hskey-authreq-) are part of URLs that the operator must open.
var keyShape = regexp.MustCompile(`(tskey-[a-z]+-|privkey:|hskey-(?:auth|api)-)[A-Za-z0-9_-]+`)

// No server makes keys as short as this: to remove such a string would only garble the output.
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
