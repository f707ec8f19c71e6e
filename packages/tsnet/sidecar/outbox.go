package main

import (
	"encoding/json"
	"io"
	"sync"
)

// fields of a reply or an event.
type fields map[string]any

// outbox writes one JSON object a line, atomically, from any goroutine.
type outbox struct {
	mu      sync.Mutex
	to      io.Writer
	secrets *secrets
}

func (o *outbox) write(line fields) {
	encoded, err := json.Marshal(line)
	if err != nil {
		encoded, _ = json.Marshal(fields{"ev": "proto_error", "error": err.Error()})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// A reader that has closed stdout has also closed stdin, or soon will, which ends the process.
	_, _ = o.to.Write(append(encoded, '\n'))
}

func (o *outbox) event(name string, line fields) {
	line["ev"] = name
	o.write(line)
}

func (o *outbox) answer(id int64, line fields, err error) {
	if err != nil {
		line = o.refusal(err)
	} else if line == nil {
		line = fields{}
	}
	line["id"], line["ok"] = id, err == nil
	o.write(line)
}

// refusal is the form of an error on both the control channel and the data socket.
func (o *outbox) refusal(err error) fields {
	known := failureOf(err)
	line := fields{"ok": false, "code": known.code, "error": o.secrets.blot(known.Error())}
	if known.url != "" {
		line["url"] = known.url
	}
	return line
}
