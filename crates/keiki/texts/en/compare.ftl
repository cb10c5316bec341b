compare-title = Compare
compare-first = This
compare-second = With
compare-difference = Difference
compare-better = better
compare-worse = worse
