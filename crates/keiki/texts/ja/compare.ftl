compare-title = 比較
compare-first = 比較元
compare-second = 比較先
compare-difference = 差
compare-better = 改善
compare-worse = 悪化
