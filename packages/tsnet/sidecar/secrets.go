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

var keyShape = regexp.MustCompile(`(tskey-[a-z]+-|privkey:|hskey-[a-z]+-)[A-Za-z0-9_-]+`)

func (s *secrets) add(key string) {
	if key == "" {
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
