package main

import (
	"errors"
	"testing"
	"time"
)

func TestContact(t *testing.T) {
	control := newTailnet(t)
	n := newTestNode(t, control, "left")
	// The first changes may still be under way.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		found, fault := n.contactNow(n.ctx)
		if found == reachesAll && fault == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("with its control server, a node reaches %q: %v", found, fault)
		}
	}
	if found, fault, age := n.contact.last(); found != reachesAll || fault != nil || age > contactLasts {
		t.Errorf("the last result is %q, %v, of %s before", found, fault, age)
	}
	if err := sendUpdate(n.ctx, n.server); err != nil {
		t.Errorf("the update that a member sends: %v", err)
	}
	if !forgetControlAddresses(n.server) {
		t.Error("the names that the client of the control server knows are not where they were")
	}
	if !allowPlainControl(n.server) {
		t.Error("the time of the last connection to the control server is not where it was")
	}
	// Without peers and server, nothing is left.
	n.server.ControlURL = "http://127.0.0.1:1"
	n.contact.set("", nil)
	n.contact.tested = time.Time{}
	if found, fault := n.contactNow(n.ctx); found != reachesNothing || fault == nil {
		t.Errorf("without anything, a node reaches %q: %v", found, fault)
	}
	var known *failure
	if err := n.unreached(n.ctx); !errors.As(err, &known) || known.code != "ENETUNREACH" {
		t.Errorf("a dial is told %v", err)
	}
}
