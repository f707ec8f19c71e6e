package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// A failure is an error with the code that Node switches on; PROTOCOL.md lists the codes.
type failure struct {
	code string
	err  error
	// url is the page that the operator must open, for a pending login.
	url string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(code, format string, args ...any) error {
	return &failure{code: code, err: fmt.Errorf(format, args...)}
}

// failureOf gives any error a code.
func failureOf(err error) *failure {
	var known *failure
	if errors.As(err, &known) {
		return known
	}
	return &failure{code: codeOf(err), err: err}
}

func codeOf(err error) string {
	var network net.Error
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return "ECANCELED"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "ETIMEDOUT"
	// The user-space stack has its own error texts, and no error values to compare with.
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(text, "connection was refused"):
		return "ECONNREFUSED"
	case errors.Is(err, syscall.ECONNRESET), strings.Contains(text, "reset by peer"), strings.Contains(text, "connection aborted"):
		return "ECONNRESET"
	case strings.Contains(text, "no route to host"), strings.Contains(text, "unreachable"):
		return "EHOSTUNREACH"
	case strings.Contains(text, "message too long"):
		return "EMSGSIZE"
	case strings.Contains(text, "listener already open"), strings.Contains(text, "port is in use"):
		return "EADDRINUSE"
	}
	return "EIO"
}
