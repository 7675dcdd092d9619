//go:build tools

// Package tools makes the main packages of this module's tools part of its build list.
package tools

import (
	_ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
)
