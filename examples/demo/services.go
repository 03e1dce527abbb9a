package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// services are definitions as Consul's configuration files and its API take
// them.
type services []map[string]any

// readServices reads every *.json file of the folder.
func readServices(folder string) (services, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no service definitions in %s", folder)
	}
	var all services
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var content struct {
			Service  map[string]any
			Services []map[string]any
		}
		if err := json.Unmarshal(text, &content); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if content.Service != nil {
			all = append(all, content.Service)
		}
		all = append(all, content.Services...)
	}
	return all, nil
}

// ports returns the ports of all services, each once.
func (s services) ports() []int {
	var ports []int
	for _, service := range s {
		if port, ok := service["port"].(float64); ok && !slices.Contains(ports, int(port)) {
			ports = append(ports, int(port))
		}
	}
	return ports
}
