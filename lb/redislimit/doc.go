// Package redislimit keeps the token buckets of rate limits in Redis, where
// several load balancers share them. It is the only importer of the Redis client.
package redislimit
