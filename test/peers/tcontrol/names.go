package main

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// serveText is a name server that answers questions for TXT records with what nodes have set, and says that there is nothing to all others.
func (t *tailnet) serveText(ip string) (address string, err error) {
	// Pebble asks by TCP.
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
