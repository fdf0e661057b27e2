// Bounds of every client of Kafka, with the arithmetic that chose them.
#pragma once

namespace huitou::limits {

// One question to the broker.
inline constexpr int kKafkaAnswer_ms = 10'000;
// librdkafka's threads may hang in closing (2.0.2, #4187); the process ends all the same.
inline constexpr int kCloseKafka_ms = 5'000;

}  // namespace huitou::limits
