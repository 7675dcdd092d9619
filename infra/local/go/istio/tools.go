//go:build tools

// Package tools makes the main packages of this module's tools part of its build list.
package tools

import (
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
