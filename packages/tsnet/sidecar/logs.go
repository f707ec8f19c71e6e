package main

import (
	"io"
	"log"
)

// verbose writes what tsnet logs of a node, where that was asked for; without, log discards it.
func verbose(node, format string, args ...any) { log.Printf("["+node+"] "+format, args...) }

// A blottingWriter takes keys out of what is logged.
type blottingWriter struct {
	to      io.Writer
	secrets *secrets
}

func (w *blottingWriter) Write(line []byte) (int, error) {
	_, err := io.WriteString(w.to, w.secrets.blot(string(line)))
	return len(line), err
}
