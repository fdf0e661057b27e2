#include "daemon/sources/kafka_start.h"

#include <algorithm>
#include <map>
#include <utility>

#include "daemon/kafka/limits.h"
#include "daemon/sources/limits.h"

namespace huitou::kafka {
namespace {

constexpr std::string_view kMarkPrefix = "huitou:";

bool IsForeign(const Partition& committed, const std::string& state_id) {
  return committed.metadata.starts_with(kMarkPrefix) && committed.metadata != OwnerMark(state_id);
}

std::string ForeignText(const std::string& partition, const std::string& group) {
  return partition +
         " belongs to another state (its customers are not known here): stop, or give "
         "this daemon its own group; if that state is gone for good, delete the offsets of group "
         "'" +
         group + "'";
}

// A list comes back in any order.
const Partition* Find(const std::vector<Partition>& partitions, const Partition& wanted) {
  const auto found =
      std::find_if(partitions.begin(), partitions.end(), [&](const Partition& partition) {
        return partition.number == wanted.number && partition.topic == wanted.topic;
      });
  return found == partitions.end() ? nullptr : &*found;
}

// What the broker knows of these partitions, in their order.
Result<std::vector<Known>> AskAll(rd_kafka_t* client, const std::vector<Partition>& partitions) {
  std::vector<Partition> committed = partitions;
  std::vector<Partition> begins = partitions;
  std::vector<Partition> ends = partitions;
  if (Status status = AskCommitted(client, &committed); !status.ok()) {
    return status;
  }
  if (Status status = AskEdges(client, Edge::kBegin, limits::kKafkaAnswer_ms, &begins);
      !status.ok()) {
    return status;
  }
  if (Status status = AskEdges(client, Edge::kEnd, limits::kKafkaAnswer_ms, &ends); !status.ok()) {
    return status;
  }
  std::vector<Known> all;
  for (const Partition& partition : partitions) {
    const Partition* of_group = Find(committed, partition);
    const Partition* begin = Find(begins, partition);
    const Partition* end = Find(ends, partition);
    if (of_group == nullptr || begin == nullptr || end == nullptr) {
      return Status(StatusCode::kUnavailable, "kafka does not know " + partition.Name());
    }
    all.push_back({*of_group, -1, begin->offset, end->offset});
  }
  return all;
}

}  // namespace

Properties Tunable(const KafkaSourceOptions& options) {
  const size_t queues = std::max<size_t>(1, options.topics.size() * options.shards);
  const size_t kilobytes =
      std::max(limits::kFetchAheadKilobytes / queues, limits::kFetchAheadKilobytesMin);
  Properties properties = {
      {"queued.min.messages", std::to_string(limits::kFetchAheadRecords)},
      {"queued.max.messages.kbytes", std::to_string(kilobytes)},
      {"reconnect.backoff.max.ms", "2000"},
      {"group.instance.id", "huitou-" + options.state_id},
  };
  for (const auto& [name, value] : options.properties) {
    properties[name] = value;
  }
  return properties;
}

Properties Fixed(const KafkaSourceOptions& options) {
  return {
      {"group.id", options.group},
      {"partition.assignment.strategy", "range"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"auto.offset.reset", "error"},
      {"enable.partition.eof", "true"},
      {"allow.auto.create.topics", "false"},
      // Any poll would reset it (#4176); WatchWorkers does its work.
      {"max.poll.interval.ms", "86400000"},
  };
}

std::string OwnerMark(const std::string& state_id) {
  return std::string(kMarkPrefix) + state_id;
}

Status MayJoin(rd_kafka_t* client, const KafkaSourceOptions& options) {
  const Result<uint16_t> count = CountPartitions(client, options.topics);
  if (!count.ok()) {
    return count.status();
  }
  if (*count != options.shards) {
    return {StatusCode::kInvalid,
            "topic '" + options.topics[0] + "' has " + std::to_string(*count) +
                " partitions, and the state was made "
                "for " +
                std::to_string(options.shards) + "; customers would change their shard"};
  }
  std::vector<Partition> partitions;
  for (const std::string& topic : options.topics) {
    for (int32_t number = 0; number < options.shards; ++number) {
      partitions.push_back({topic, number, 0, {}});
    }
  }
  if (Status status = AskCommitted(client, &partitions); !status.ok()) {
    return status;
  }
  const bool all_foreign = std::all_of(
      partitions.begin(), partitions.end(),
      [&](const Partition& partition) { return IsForeign(partition, options.state_id); });
  return all_foreign ? Status(StatusCode::kInvalid, ForeignText("every partition", options.group))
                     : Status::Ok();
}

Status MayJoinAgain(rd_kafka_t* client, const KafkaSourceOptions& options,
                    const std::string& instance_id, const std::vector<Partition>& left) {
  const Result<bool> there = HasMember(client, options.group, instance_id);
  if (!there.ok()) {
    return there.status();
  }
  if (*there) {
    return {StatusCode::kUnavailable,
            "another daemon has joined with this group.instance.id; this one waits until that "
            "member is gone"};
  }
  std::vector<Partition> committed = left;
  if (Status status = committed.empty() ? Status::Ok() : AskCommitted(client, &committed);
      !status.ok()) {
    return status;
  }
  for (const Partition& own : left) {
    const Partition* of_group = Find(committed, own);
    if (of_group != nullptr && of_group->offset > own.offset) {
      return {StatusCode::kInvalid,
              "another daemon with a copy of this state has read on: " + own.Name() + " at " +
                  std::to_string(of_group->offset) + ", this state at " +
                  std::to_string(own.offset) + "; stop this one"};
    }
  }
  return Status::Ok();
}

Result<int64_t> StartOf(const Known& known, const KafkaSourceOptions& options) {
  const std::string name = known.committed.Name();
  if (IsForeign(known.committed, options.state_id)) {
    return Status(StatusCode::kInvalid, ForeignText(name, options.group));
  }
  // Without a record in the store the mark of this state says where it once began.
  const bool ours = known.committed.metadata == OwnerMark(options.state_id);
  const int64_t wanted = known.stored >= 0                     ? known.stored
                         : ours && known.committed.offset >= 0 ? known.committed.offset
                                                               : -1;
  if (wanted < 0) {
    return options.start_latest ? known.end : known.begin;
  }
  if (wanted < known.begin) {
    return Status(StatusCode::kNotFound,
                  name + " begins at offset " + std::to_string(known.begin) +
                      ", and the state stands at " + std::to_string(wanted) +
                      ": retention removed events that were never read. Raise retention.ms; to go "
                      "on without them, begin with an empty state folder");
  }
  if (wanted > known.end) {
    return Status(
        StatusCode::kNotFound,
        name + " ends at offset " + std::to_string(known.end) + ", and the state stands at " +
            std::to_string(wanted) +
            ": the topic was truncated or made anew. Begin with an empty state folder, or "
            "restore the topic");
  }
  return wanted;
}

Result<StartPlan> PlanStart(
    rd_kafka_t* client, const KafkaSourceOptions& options,
    const std::function<Result<int64_t>(ShardNumber, const std::string&)>& stored_offset,
    std::vector<Partition> partitions) {
  StartPlan plan;
  if (partitions.empty()) {
    return plan;
  }
  Result<std::vector<Known>> all = AskAll(client, partitions);
  if (!all.ok()) {
    return all.status();
  }
  std::map<int32_t, std::vector<Partition>> starts;
  std::map<int32_t, std::string> refused;
  for (size_t i = 0; i < partitions.size(); ++i) {
    Partition& partition = partitions[i];
    if (partition.number >= options.shards) {
      refused[partition.number] = partition.Name() +
                                  " is new: the topic has more partitions than " +
                                  "the state was made for; customers would change their shard";
      continue;
    }
    Known& known = (*all)[i];
    const Result<int64_t> stored =
        stored_offset(static_cast<ShardNumber>(partition.number),
                      KafkaSource::InputName(options.name, partition.topic));
    if (!stored.ok()) {
      return stored.status();
    }
    known.stored = *stored;
    const Result<int64_t> start = StartOf(known, options);
    if (start.ok()) {
      partition.offset = *start;
      partition.metadata.clear();
      starts[partition.number].push_back(partition);
    } else {
      refused.emplace(partition.number, start.status().message());
    }
  }
  for (auto& [number, of_shard] : starts) {
    if (refused.contains(number)) {
      continue;
    }
    if (of_shard.size() != options.topics.size()) {
      refused[number] = "partition " + std::to_string(number) +
                        " of some topics is another member's; all must use the range assignor";
      continue;
    }
    plan.starts.insert(plan.starts.end(), of_shard.begin(), of_shard.end());
  }
  for (auto& [number, reason] : refused) {
    plan.refused.push_back(std::move(reason));
  }
  return plan;
}

}  // namespace huitou::kafka
