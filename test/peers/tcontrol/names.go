package main

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// serveText is a name server that replies to queries for TXT records with the text that nodes have set, and to all
// others with an empty result.
func (t *tailnet) serveText(ip string) (address string, err error) {
	// Pebble queries by TCP.
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil {
		return "", err
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(t.answerText)}
	go server.ActivateAndServe()
	return listener.Addr().String(), nil
}

func (t *tailnet) answerText(w dns.ResponseWriter, query *dns.Msg) {
	answer := new(dns.Msg).SetReply(query)
	t.mu.Lock()
	for _, question := range query.Question {
		if question.Qtype != dns.TypeTXT {
			continue
		}
		for _, value := range t.text[strings.TrimSuffix(question.Name, ".")] {
			header := dns.RR_Header{Name: question.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}
			answer.Answer = append(answer.Answer, &dns.TXT{Hdr: header, Txt: []string{value}})
		}
	}
	t.mu.Unlock()
	_ = w.WriteMsg(answer)
}
