"""INFO's sections and their fields in the order of Redis 8.2, as far as more than one component gives them.

A field's value comes from the component that owns it (`Info.add`); a name alone only keeps its place. What stands
behind a `=` is what Redis shows while the feature is not used, of features that do not exist yet.
"""

_CLIENTS = """
connected_clients cluster_connections maxclients client_recent_max_input_buffer client_recent_max_output_buffer
blocked_clients tracking_clients pubsub_clients watching_clients clients_in_timeout_table total_watched_keys
total_blocking_keys total_blocking_keys_on_nokey
"""
_MEMORY = """
used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak used_memory_peak_human
used_memory_peak_time used_memory_peak_perc used_memory_overhead used_memory_startup used_memory_dataset
used_memory_dataset_perc allocator_allocated allocator_active allocator_resident allocator_muzzy total_system_memory
total_system_memory_human used_memory_lua used_memory_vm_eval used_memory_lua_human used_memory_scripts_eval
number_of_cached_scripts number_of_functions number_of_libraries used_memory_vm_functions used_memory_vm_total
used_memory_vm_total_human used_memory_functions used_memory_scripts used_memory_scripts_human maxmemory maxmemory_human
maxmemory_policy allocator_frag_ratio allocator_frag_bytes allocator_rss_ratio allocator_rss_bytes rss_overhead_ratio
rss_overhead_bytes mem_fragmentation_ratio mem_fragmentation_bytes mem_not_counted_for_evict mem_replication_backlog
mem_total_replication_buffers mem_replica_full_sync_buffer=0 mem_clients_slaves mem_clients_normal mem_cluster_links
mem_aof_buffer mem_allocator mem_overhead_db_hashtable_rehashing=0 active_defrag_running=0 lazyfree_pending_objects
lazyfreed_objects
"""
_PERSISTENCE = """
loading async_loading current_cow_peak current_cow_size current_cow_size_age current_fork_perc
current_save_keys_processed current_save_keys_total rdb_changes_since_last_save rdb_bgsave_in_progress
rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves
rdb_last_cow_size rdb_last_load_keys_expired rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress
aof_rewrite_scheduled aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_rewrites
aof_rewrites_consecutive_failures aof_last_write_status aof_last_cow_size module_fork_in_progress=0
module_fork_last_cow_size=0 aof_current_size aof_base_size aof_pending_rewrite aof_buffer_length aof_pending_bio_fsync
aof_delayed_fsync
"""
_STATS = """
total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
total_net_output_bytes total_net_repl_input_bytes total_net_repl_output_bytes instantaneous_input_kbps
instantaneous_output_kbps instantaneous_input_repl_kbps instantaneous_output_repl_kbps rejected_connections
sync_full sync_partial_ok sync_partial_err expired_subkeys expired_keys expired_stale_perc
expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients evicted_scripts
total_eviction_exceeded_time current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels
pubsub_patterns pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets
slave_expires_tracked_keys=0 active_defrag_hits=0 active_defrag_misses=0 active_defrag_key_hits=0
active_defrag_key_misses=0 total_active_defrag_time=0 current_active_defrag_time=0 tracking_total_keys
tracking_total_items tracking_total_prefixes unexpected_error_replies total_error_replies
dump_payload_sanitizations=0 total_reads_processed total_writes_processed io_threaded_reads_processed=0
io_threaded_writes_processed=0 io_threaded_total_prefetch_batches=0 io_threaded_total_prefetch_entries=0
client_query_buffer_limit_disconnections client_output_buffer_limit_disconnections
reply_buffer_shrinks=0 reply_buffer_expands=0 eventloop_cycles eventloop_duration_sum eventloop_duration_cmd_sum
instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec acl_access_denied_auth
acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel
"""
_DEBUG = """
eventloop_duration_aof_sum eventloop_duration_cron_sum eventloop_duration_max eventloop_cmd_per_cycle_max
allocator_allocated_lua=0 allocator_active_lua=0 allocator_resident_lua=0 allocator_frag_bytes_lua=0
"""


def _fields(text: str) -> dict[str, object]:
    words = (word.partition("=") for word in text.split())
    return {name: value or None for name, _, value in words}


LAYOUT = {
    title: _fields(text)
    for title, text in {
        "Server": "",
        "Clients": _CLIENTS,
        "Memory": _MEMORY,
        "Persistence": _PERSISTENCE,
        "Threads": "",
        "Stats": _STATS,
        "Replication": "",
        "CPU": "",
        "Modules": "",
        "Commandstats": "",
        "Errorstats": "",
        "Latencystats": "",
        "Cluster": "",
        "Keyspace": "",
        "Keysizes": "",
        "Debug": _DEBUG,
    }.items()
}
"""By title, in order: each field with its value, None where a component gives it."""
