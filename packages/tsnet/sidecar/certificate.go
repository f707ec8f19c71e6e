package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"time"
)

const (
	// An ACME server may be slow.
	certificateWithin = 2 * time.Minute
	// A certificate that expires sooner is renewed on request.
	certificateValid = 7 * 24 * time.Hour
)

// tlsConfig is for connections whose TLS ends in the sidecar.
func (n *node) tlsConfig() (*tls.Config, error) {
	if _, err := n.certDomain(""); err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: n.local.GetCertificate, MinVersion: tls.VersionTLS12}, nil
}

// certificate is for connections whose TLS ends in Node.
func (n *node) certificate(domain string) (fields, error) {
	domain, err := n.certDomain(domain)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(n.ctx, certificateWithin)
	defer cancel()
	cert, key, err := n.local.CertPairWithValidity(ctx, domain, certificateValid)
	if err != nil {
		return nil, fail("ECERT", "could not obtain a certificate for %s: %w", domain, err)
	}
	block, _ := pem.Decode(cert)
	if block == nil {
		return nil, fail("ECERT", "the reply for %s is not a certificate", domain)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fail("ECERT", "the reply for %s is not a certificate: %w", domain, err)
	}
	return fields{"cert": string(cert), "key": string(key), "domain": domain, "not_after": parsed.NotAfter.UnixMilli()}, nil
}

// certDomain checks that the tailnet issues certificates for the name.
func (n *node) certDomain(wanted string) (string, error) {
	ctx, cancel := context.WithTimeout(n.ctx, 5*time.Second)
	defer cancel()
	status, err := n.local.StatusWithoutPeers(ctx)
	if err != nil {
		return "", err
	}
	if len(status.CertDomains) == 0 {
		return "", fail("ECERT", "HTTPS is not enabled in this tailnet: enable MagicDNS and HTTPS certificates on the DNS page of its console")
	}
	if wanted == "" {
		wanted = n.self.dnsName()
	}
	for _, domain := range status.CertDomains {
		if domain == trimDot(wanted) {
			return domain, nil
		}
	}
	return "", fail("ECERT", "the tailnet gives out no certificates for %s, only for %v", wanted, status.CertDomains)
}
