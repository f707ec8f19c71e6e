package main

import (
	"errors"
	"strings"
	"sync"
)

// nodes are the nodes of this sidecar, by the names that Node gave them.
type nodes struct {
	mu     sync.Mutex
	byName map[string]*member
	// lost is the reason why a node that was started is not there.
	lost map[string]error
}

// A member is starting until it is ready.
type member struct {
	node  *node
	ready bool
	// settled is closed when its up has returned.
	settled chan struct{}
}

// add reserves a name for a starting node; settle records the result.
func (s *nodes) add(added *node) (settle func(error), err error) {
	if added.name == "" || strings.Contains(added.name, "/") {
		return nil, fail("EINVAL", "node must be a name without a slash, not %q", added.name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[added.name] != nil {
		return nil, fail("EEXIST", "the node %q is up already", added.name)
	}
	entry := &member{node: added, settled: make(chan struct{})}
	if s.byName == nil {
		s.byName, s.lost = map[string]*member{}, map[string]error{}
	}
	s.byName[added.name] = entry
	return func(err error) {
		isUp := err == nil
		s.mu.Lock()
		defer s.mu.Unlock()
		entry.ready = isUp
		if !isUp && s.byName[added.name] == entry {
			delete(s.byName, added.name)
		}
		if delete(s.lost, added.name); err != nil && s.byName[added.name] == nil {
			s.lost[added.name] = err
		}
		close(entry.settled)
	}, nil
}

func (s *nodes) ready(name string) (*node, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.byName[name]; found != nil && found.ready {
		return found.node, nil
	}
	// Its name is a secret of its users.
	switch found := s.byName[name]; {
	case found != nil:
		return nil, fail("ENONODE", "%s", found.node.awaits())
	case s.lost[name] != nil:
		return nil, fail("ENONODE", "%w", s.lost[name])
	}
	return nil, fail("ENONODE", "it has not joined")
}

// remove releases the name, and returns the node; a starting node is stopped first, and ends by itself.
func (s *nodes) remove(name string) (removed *node, err error) {
	s.mu.Lock()
	found := s.byName[name]
	s.mu.Unlock()
	if found == nil {
		return nil, fail("ENONODE", "there is no node %q", name)
	}
	select {
	case <-found.settled:
	default:
		found.node.stop(errDown)
		<-found.settled
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[name] != found {
		return nil, nil
	}
	delete(s.byName, name)
	return found.node, nil
}

// explain stores why a node was taken down, for dials through it.
func (s *nodes) explain(name, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName != nil && reason != "" {
		s.lost[name] = errors.New(reason)
	}
}

func (s *nodes) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]string, 0, len(s.byName))
	for name := range s.byName {
		all = append(all, name)
	}
	return all
}
