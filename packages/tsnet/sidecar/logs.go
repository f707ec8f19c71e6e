package main

import (
	"io"
	"log"
)

// verbose writes tsnet's log of a node if that was requested; otherwise log discards it.
func verbose(node, format string, args ...any) { log.Printf("["+node+"] "+format, args...) }

// A blottingWriter removes keys from the log.
type blottingWriter struct {
	to      io.Writer
	secrets *secrets
}

func (w *blottingWriter) Write(line []byte) (int, error) {
	_, err := io.WriteString(w.to, w.secrets.blot(string(line)))
	return len(line), err
}
